"""When people were last there, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from imchat.domain.presence import Seen
from imchat.store.sql.bulk import chunks, in_list, possible
from imchat.store.sql.runner import Runner
from imchat.store.sql.transaction import Transaction

_AT_ONCE = 200
_NOTES_AT_ONCE = 64
"""Rows of one UPDATE: a CASE is searched from its start."""

# A node that was killed noted nothing: then it is the last use of a session.
_SEEN = """
    SELECT a.user_id, a.last_seen_ms, a.presence_hidden,
    (SELECT MAX(s.last_used_ms) FROM session s WHERE s.user_id = a.user_id)
    FROM account a WHERE a.user_id IN ({marks})
"""


def _note(tx: Transaction, seen: Sequence[tuple[int, int]]) -> None:
    cases = " ".join(["WHEN user_id = ? AND last_seen_ms < ? THEN ?"] * len(seen))
    marks, ids = in_list([user_id for user_id, _ in seen])
    values = [value for user_id, seen_ms in seen for value in (user_id, seen_ms, seen_ms)]
    update = f"UPDATE account SET last_seen_ms = CASE {cases} ELSE last_seen_ms END WHERE user_id IN ({marks})"  # noqa: S608
    tx.execute(update, (*values, *ids))


class SqlSeen:
    """The :class:`imchat.ports.SeenStore` in SQL.

    Args:
        writer: Runs transactions that write.
        reader: Runs those that only read.
    """

    def __init__(self, writer: Runner, reader: Runner) -> None:
        self._writer = writer
        self._reader = reader

    async def seen(self, user_ids: Sequence[int]) -> dict[int, Seen]:
        """When each of those who exist was last there, and whether they hide it."""
        ids = possible(user_ids)

        def run(tx: Transaction) -> dict[int, Seen]:
            found: dict[int, Seen] = {}
            for part in chunks(ids, _AT_ONCE):
                marks, padded = in_list(part)
                for user_id, noted_ms, hidden, used_ms in tx.query(_SEEN.format(marks=marks), padded):
                    found[user_id] = Seen(max(noted_ms, used_ms or 0), bool(hidden))
            return found

        return await self._reader.run("people last seen", run) if ids else {}

    async def note_seen(self, seen: Mapping[int, int]) -> None:
        """Note when users were last there; in order of ids, as all do who change several accounts."""
        for part in chunks(sorted(seen.items()), _NOTES_AT_ONCE):
            await self._writer.run("note people seen", partial(_note, seen=part))
