"""What the logic needs from outside, as protocols. Stores raise :class:`imchat.domain.errors.IMError` or let a
fault through: ``Unavailable`` means that the outcome is unknown and the same call may be made again.

``now_ms`` arguments are milliseconds UTC from the caller's clock. Every method is safe to call again with the same
arguments after ``Unavailable`` unless it says otherwise.
"""

from imchat.domain.limits import Limit as Limit
from imchat.ports.accounts import AccountStore as AccountStore
from imchat.ports.accounts import InvitationStore as InvitationStore
from imchat.ports.accounts import SessionStore as SessionStore
from imchat.ports.conversations import Marked as Marked
from imchat.ports.conversations import OwnStateStore as OwnStateStore
from imchat.ports.conversations import PositionStore as PositionStore
from imchat.ports.conversations import RetentionStore as RetentionStore
from imchat.ports.injected import Ids as Ids
from imchat.ports.injected import Spawn as Spawn
from imchat.ports.notices import Bus as Bus
from imchat.ports.notices import EventsAppended as EventsAppended
from imchat.ports.notices import Notice as Notice
from imchat.ports.notices import PersonChanged as PersonChanged
from imchat.ports.notices import Publisher as Publisher
from imchat.ports.notices import ReceiptMoved as ReceiptMoved
from imchat.ports.notices import RelationsChanged as RelationsChanged
from imchat.ports.notices import SessionsClosed as SessionsClosed
from imchat.ports.notices import TypingSeen as TypingSeen
from imchat.ports.people import ContactStore as ContactStore
from imchat.ports.people import PeopleStore as PeopleStore
from imchat.ports.people import ProfileChanged as ProfileChanged
from imchat.ports.people import Related as Related
from imchat.ports.people import Relations as Relations
from imchat.ports.people import SeenStore as SeenStore
from imchat.ports.servers import Health as Health
from imchat.ports.servers import Mail as Mail
from imchat.ports.servers import Mailer as Mailer
from imchat.ports.servers import MailKind as MailKind
from imchat.ports.servers import PasswordHasher as PasswordHasher
from imchat.ports.servers import StatusPort as StatusPort
from imchat.ports.servers import VerifyPort as VerifyPort
from imchat.ports.streams import Announce as Announce
from imchat.ports.streams import ConversationStore as ConversationStore
from imchat.ports.streams import FlushResult as FlushResult
from imchat.ports.streams import MayWrite as MayWrite
from imchat.ports.streams import Permit as Permit
from imchat.ports.streams import StreamStore as StreamStore
from imchat.ports.volatile import CodeStore as CodeStore
from imchat.ports.volatile import NodeCopy as NodeCopy
from imchat.ports.volatile import PresenceStore as PresenceStore
from imchat.ports.volatile import Purpose as Purpose
from imchat.ports.volatile import RateLimiter as RateLimiter
