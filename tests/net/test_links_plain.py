"""What may cross a link, how large it is, and how it is read; and where links may run."""

from __future__ import annotations

from enum import StrEnum

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.testing import MemoryReactorClock
from twisted.spread.banana import Banana
from twisted.spread.jelly import InsecureJelly, jelly, unjelly
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import TooLarge
from imchat.net.links import plain as module
from imchat.net.links.endpoints import EndpointRefused, connector, listener
from imchat.net.links.plain import MAX_DEPTH, MAX_SIZE, Fields, Malformed, PlainTypes, plain

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts | st.binary(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(texts, inner, max_size=6),
    max_leaves=30,
)


class Sink:
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


def on_the_wire(value: object) -> bytes:
    """As a broker that speaks the dialect of Perspective Broker would write it."""
    banana = Banana()
    banana.transport = Sink()
    banana.connectionMade()
    banana.currentDialect = b"pb"
    banana.sendEncoded(jelly(value, PlainTypes()))
    return banana.transport.data


class Colour(StrEnum):
    RED = "red"


class PlainTests(SynchronousTestCase):
    @given(values)
    def test_values_survive_the_wire(self, value: object) -> None:
        sent = jelly(plain(value), PlainTypes())
        self.assertEqual(unjelly(sent, PlainTypes()), value)

    @given(values)
    def test_the_size_that_is_counted_is_never_below_the_real_one(self, value: object) -> None:
        copier = module._Copier()
        copied = copier.copy(value, 0)
        self.assertGreaterEqual(MAX_SIZE - copier._left, len(on_the_wire(copied)))

    def test_nothing_in_a_copy_is_shared_and_the_original_is_left_alone(self) -> None:
        inner = {"k": (1, 2)}
        original = {"a": inner, "b": inner, "c": (inner, inner)}
        copied = plain(original)
        self.assertEqual(copied, {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}, "c": [{"k": [1, 2]}, {"k": [1, 2]}]})
        self.assertIsNot(copied["a"], copied["b"])
        self.assertNotIn(b"reference", str(jelly(copied, PlainTypes())).encode())
        self.assertEqual(original["a"], {"k": (1, 2)})

    def test_an_enumeration_travels_as_its_value(self) -> None:
        self.assertIs(type(plain(Colour.RED)), str)
        self.assertEqual(plain(Colour.RED), "red")

    def test_other_things_are_refused(self) -> None:
        for value in (object(), {1}, 1.5, {1: 2}, b"x".__class__, [object()], {"k": object()}):
            self.assertRaises(TypeError, plain, value)

    def test_size_and_depth_have_an_end(self) -> None:
        plain(b"x" * (MAX_SIZE - 100))
        for value in (b"x" * MAX_SIZE, "汉" * (MAX_SIZE // 3), [b"x" * 1000] * 1000, {"k" * MAX_SIZE: 1}):
            self.assertRaises(TooLarge, plain, value)
        nested: object = 1
        for _ in range(MAX_DEPTH):
            nested = [nested]
        plain(nested)
        self.assertRaises(TypeError, plain, [nested])
        endless: list = []
        endless.append(endless)
        self.assertRaises(TypeError, plain, endless)

    def test_what_could_build_objects_or_share_values_is_not_read(self) -> None:
        for sent in (
            [b"reference", 1, [b"list"]],
            [b"dereference", 1],
            [b"class", b"os.system"],
            [b"module", b"os"],
            [b"function", b"os.system"],
            [b"method", b"x", [b"None"], [b"None"]],
            [b"persistent", 1],
            [b"decimal", 1, 2],
            [b"set", 1],
            [b"twisted.spread.pb.CopyableFailure", [b"dictionary"]],
            [b"remote", 1],
            [b"copy", 1],
            [b"builtins.dict", [b"dictionary"]],
        ):
            try:
                got = unjelly([b"list", sent], PlainTypes())
            except InsecureJelly:
                continue
            self.fail(f"{sent} was read as {got}")


class FieldsTests(SynchronousTestCase):
    def test_right_types_are_read(self) -> None:
        fields = Fields(
            {"i": 5, "t": "x", "b": b"y", "f": False, "n": None, "d": {"i": 6}, "l": [{"i": 7}], "c": "red"}
        )
        self.assertEqual((fields.integer("i"), fields.text("t"), fields.data("b")), (5, "x", b"y"))
        self.assertIs(fields.flag("f"), False)
        self.assertEqual([fields.optional_integer(name) for name in ("i", "n", "absent")], [5, None, None])
        self.assertEqual((fields.inner("d").integer("i"), fields.many("l")[0].integer("i")), (6, 7))
        self.assertIs(fields.choice("c", Colour), Colour.RED)

    def test_wrong_ones_are_refused_without_being_shown(self) -> None:
        fields = Fields(
            {"i": True, "t": b"private", "b": "private", "f": 1, "d": [], "l": {}, "c": "private", "big": 2**63}
        )
        for read, name in [
            (fields.integer, "i"),
            (fields.integer, "big"),
            (fields.integer, "absent"),
            (fields.text, "t"),
            (fields.data, "b"),
            (fields.flag, "f"),
            (fields.inner, "d"),
            (fields.many, "l"),
            (fields.optional_integer, "t"),
            (lambda name: fields.choice(name, Colour), "c"),
        ]:
            error = self.assertRaises(Malformed, read, name)
            self.assertIn(repr(name), str(error))
            self.assertNotIn("private", str(error))
        for value in (None, [], 5, [{"i": 1}]):
            self.assertRaises(Malformed, Fields, value)
        self.assertRaises(Malformed, Fields({"l": [5]}).many, "l")


class EndpointTests(SynchronousTestCase):
    def test_links_run_over_tls_or_stay_on_the_machine(self) -> None:
        for text in (
            "unix:/run/imchat/status.sock",
            "tcp:9001:interface=127.0.0.1",
            "tcp:9001:interface=\\:\\:1",
            "tcp:port=9001:interface=localhost",
        ):
            listener(MemoryReactorClock(), text)
        for text in (
            "unix:/run/x.sock",
            "tcp:127.0.0.1:9001",
            "tcp:host=localhost:port=9001",
            "tcp:\\:\\:1:9001",
            "tls:status.example:9001",
        ):
            connector(MemoryReactorClock(), text)

    def test_what_would_carry_secrets_in_clear_is_refused_in_words(self) -> None:
        for text in (
            "tcp:9001",
            "tcp6:9001",
            "tcp:9001:interface=0.0.0.0",
            "tcp:9001:interface=10.0.0.1",
            "tcp:9001:interface=\\:\\:",
        ):
            error = self.assertRaises(EndpointRefused, listener, MemoryReactorClock(), text)
            self.assertIn("in clear", str(error), text)
        for text in (
            "tcp:10.0.0.1:9001",
            "tcp:status.example:9001",
            "tcp:127.0.0.1.example:9001",
            "tcp:host=status:port=1",
        ):
            error = self.assertRaises(EndpointRefused, connector, MemoryReactorClock(), text)
            self.assertIn("in clear", str(error), text)

    def test_other_kinds_and_nonsense_are_refused(self) -> None:
        for text in (
            "",
            "9001",
            "fd:3",
            "systemd:domain=INET:index=0",
            "ssl:9001:privateKey=/nonexistent",
            "tcp:x:interface=127.0.0.1",
            "haproxy:tcp:9001",
            "unix",
        ):
            self.assertRaises(EndpointRefused, listener, MemoryReactorClock(), text)
        for text in ("", "status.example:9001", "ssl:host:1", "tls:status.example", "unix", "tcp:127.0.0.1:x"):
            self.assertRaises(EndpointRefused, connector, MemoryReactorClock(), text)
