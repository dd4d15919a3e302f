"""Sending a message: the resend rule, the order rule, limits and permission; then acknowledgements and delivery.

A message whose id is on its way or stored is answered as what it is, a resend, whatever else speaks against it: so
what is refused here still goes through the flush, to be looked up.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from imchat.chat.logic import order
from imchat.chat.logic.batch import Batcher
from imchat.chat.logic.connection import Live
from imchat.chat.logic.delivery import Commit, Delivery
from imchat.chat.logic.drafting import Post, post
from imchat.chat.logic.members import UNKNOWN_VERSION, Memberships
from imchat.chat.logic.quota import Quota
from imchat.chat.logic.storing import Flushed
from imchat.chat.logic.submission import Outcome, Submission, Waiter
from imchat.domain.content import Content, ContentCodec
from imchat.domain.errors import Conflict, IMError, InvalidRequest, NotFound
from imchat.domain.kinds import is_act
from imchat.domain.models import CLIENT_ID_LENGTH, MAX_ID, Draft, Stored
from imchat.domain.permissions import ContactsPolicy, may_send, may_speak_of


class Sender:
    """Takes messages of live sessions.

    Args:
        codec: Content to stored form.
        memberships: For permission.
        delivery: Gets what was committed.
        quota: Limits.
        log: For faults in answering.
        policy: Who may talk to whom directly.
    """

    def __init__(
        self,
        codec: ContentCodec,
        memberships: Memberships,
        delivery: Delivery,
        quota: Quota,
        log: Logger,
        policy: ContactsPolicy,
    ) -> None:
        self._codec = codec
        self._memberships = memberships
        self._delivery = delivery
        self._quota = quota
        self._log = log
        self._policy = policy
        self._find: Callable[[tuple[int, int, bytes]], Submission | None]
        self._add: Callable[[Submission], None]

    def feed(self, batcher: Batcher) -> None:
        """Say where messages go; its outcomes come to :meth:`settle`."""
        self._find = batcher.find
        self._add = batcher.add

    def submit(
        self,
        live: Live,
        tag: int,
        conversation_id: int,
        client_id: bytes,
        content: Content,
        over: IMError | None = None,
        replacement: Content | None = None,
    ) -> None:
        """Take a message or an act on one; its connection hears by ``accepted`` or ``refused`` what became of it.

        Args:
            live: Who sends.
            tag: Handed back with the outcome.
            conversation_id: As the client gave it.
            client_id: The client's id of the message, 16 bytes.
            content: What is said or done.
            over: With what to refuse it, for the connection makes too many requests.
            replacement: With an edit: what is to stand there.

        Raises:
            InvalidRequest: the id or the content breaks the rules.
            NotFound: no conversation can have that id, or no message that number.
            Conflict: the id is on its way with another content.
        """
        if len(client_id) != CLIENT_ID_LENGTH:
            raise InvalidRequest(f"a client id has {CLIENT_ID_LENGTH} bytes")
        new = post(self._codec, content, replacement)
        if not 0 < conversation_id <= MAX_ID:
            raise NotFound("there is no such conversation")
        known = self._find((conversation_id, live.user_id, client_id))
        if known is not None:
            self._join(known, live, tag, new.digest)
            return
        refusal = order.refusal(live, conversation_id, client_id)
        if refusal is None:
            refusal = over or (self._quota.act(live) if is_act(new.kind) else self._quota.message(live))
        version = self._version(conversation_id, live.user_id, new)
        code = None if refusal is None else refusal.code
        about = (new.target, new.replacement, new.mentions, new.emoji, new.removed)
        kind, data, request = new.kind, new.content, new.digest
        draft = Draft(conversation_id, live.user_id, client_id, kind, data, request, version, code, *about)
        submission = Submission(draft, live, tag, refusal)
        if live.blocks or refusal is not None:
            order.arrived(Waiter(live, tag, submission.arrival), submission)
        self._add(submission)

    def _join(self, known: Submission, live: Live, tag: int, request: bytes) -> None:
        if known.draft.digest != request:
            raise Conflict("this client id is in use for another message")
        order.arrived(known.join(live, tag), known)

    def _version(self, conversation_id: int, user_id: int, new: Post) -> int:
        """Under which version of the members a user may send, as far as it is known here.

        Where they may not, it is looked at again under the lock: what is known here may be out of date, and whoever
        was told that they are contacts now must not be refused.
        """
        membership = self._memberships.get(conversation_id)
        if membership is None or may_send(membership, user_id, self._policy) is not None:
            return UNKNOWN_VERSION
        if may_speak_of(membership, user_id, new.target, new.mentions) is not None:
            return UNKNOWN_VERSION
        return membership.version

    def settle(self, flushed: Flushed) -> None:
        """Answer those who wait for a finished flush, then have it delivered."""
        for membership in flushed.reloaded.values():
            self._memberships.put(membership)
        commits: list[Commit] = []
        for submission, outcome in zip(flushed.submissions, flushed.outcomes, strict=True):
            try:
                self._answer(submission, outcome)
            except Exception:
                # An answer that cannot be given is one connection's loss, not that of all who were in the flush.
                self._log.failure("answering a message failed")
            if isinstance(outcome, Stored):
                commits.append(Commit(outcome.event, submission.lives()))
        if commits:
            self._delivery.committed(commits)

    def _answer(self, submission: Submission, outcome: Outcome) -> None:
        for live, tag, _ in submission.waiters():
            if live.blocks:
                order.settled(live, submission, outcome)
            if isinstance(outcome, Stored):
                live.connection.accepted(tag, outcome.event, outcome.resent)
            else:
                live.connection.refused(tag, outcome)
