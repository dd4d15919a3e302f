"""docs/protocol*.md name what there is: bodies, fields, codes, limits; and their bytes are true."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.adapter import READ_WEIGHT
from imchat.chat.logic import reading
from imchat.chat.settings import ChatSettings
from imchat.domain.content import MAX_TEXT
from imchat.domain.rates import ACCOUNT_RATES, GROUPS, SESSION_RATES, Group
from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import MAX_FRAME, MAX_FRAME_BEFORE_HELLO, PROTOCOL_VERSION, decode, encode
from imchat.wire.frames import FrameSplitter, frame

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "protocol.md").read_text("utf-8")
WHOLE = "".join(path.read_text("utf-8") for path in sorted(DOCS.glob("protocol*.md")))


class DocumentTests(SynchronousTestCase):
    def test_every_message_and_field_of_the_schema_is_named(self) -> None:
        words = set(re.findall(r"[A-Za-z_]+", WHOLE))
        missing = []
        for name, message in pb.DESCRIPTOR.message_types_by_name.items():
            missing += [name] if name not in words else []
            missing += [f"{name}.{f.name}" for f in message.fields if name != "Frame" and f.name not in words]
        self.assertEqual([], missing)

    def test_every_value_of_an_enumeration_is_named(self) -> None:
        words = set(re.findall(r"[A-Za-z_]+", WHOLE))
        values = {value.name for kind in pb.DESCRIPTOR.enum_types_by_name.values() for value in kind.values}
        # What stands in place of a value that is missing.
        unspecified = {name for name in values if name.endswith("_UNSPECIFIED")}
        self.assertEqual(set(), values - unspecified - words)

    def test_every_request_stands_in_the_row_of_its_group(self) -> None:
        rows = dict(re.findall(r"^\| `([a-z]+)` \| ([^|]+) \| [\d,]+ \| [\d,]+ \|$", TEXT, re.M))
        fields = pb.Frame.DESCRIPTOR.fields_by_name
        for body, group in GROUPS.items():
            self.assertIn(f"`{fields[body].message_type.name}`", rows[group.name.lower()], body)

    def test_the_limits_of_each_group_are_those_of_the_program(self) -> None:
        rows = re.findall(r"^\| `([a-z]+)` \| [^|]+ \| ([\d,]+) \| ([\d,]+) \|$", TEXT, re.M)
        told = {name: (int(one.replace(",", "")), int(all_.replace(",", ""))) for name, one, all_ in rows}
        used = {
            group.name.lower(): (SESSION_RATES.by_group()[group].count, ACCOUNT_RATES.by_group()[group].count)
            for group in Group
        }
        self.assertEqual(used, told)
        self.assertEqual({60_000}, {limit.window_ms for limit in SESSION_RATES.by_group() + ACCOUNT_RATES.by_group()})

    def test_every_code_that_a_chat_node_uses_is_explained(self) -> None:
        explained = set(re.findall(r"^\| `([a-z_]+)` \|", TEXT.split("## Error codes")[1], re.M))
        used = {
            "invalid_request", "too_large", "unsupported", "upgrade_required", "unauthenticated", "replaced",
            "session_ended", "forbidden", "not_found", "conflict",
            "not_contacts", "too_late", "too_many", "unchanged", "value_refused",
            "rate_limited", "unavailable", "internal",
        }  # fmt: skip
        self.assertEqual(used, explained)

    def test_the_example_is_what_goes_over_the_wire(self) -> None:
        block = TEXT.split("```")[1]
        data = bytes.fromhex("".join(re.match(r"\s*((?:[0-9a-f]{2} ?)*)", line)[1] for line in block.splitlines()))
        message, accepted = map(decode, FrameSplitter(1000).feed(data))
        self.assertEqual(("你好", 1000), (message.send_message.content.text.text, message.send_message.conversation_id))
        self.assertEqual((7, 42), (accepted.request_id, accepted.accepted.seq))
        self.assertEqual(data, b"".join(frame(encode(found)) for found in (message, accepted)))

    def test_limits_are_those_of_the_program(self) -> None:
        defaults = ChatSettings()
        numbers = set(re.findall(r"\d[\d,]*", WHOLE))
        for number in (
            MAX_FRAME, MAX_FRAME_BEFORE_HELLO, MAX_TEXT, PROTOCOL_VERSION, READ_WEIGHT, reading.MAX_POSITIONS,
            reading.MAX_USERS, reading.MAX_EVENTS_PER_PAGE, reading.EVENTS_PER_PAGE, reading.STREAMS_PER_PAGE,
            reading.MAX_STREAMS_PER_PAGE,
            defaults.max_outstanding, defaults.max_connections, defaults.connections_per_address,
            int(defaults.hello_timeout), int(defaults.idle_timeout), int(defaults.stall_timeout),
        ):  # fmt: skip
            self.assertIn(f"{number:,}", numbers)
