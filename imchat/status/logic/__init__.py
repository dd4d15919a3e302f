"""The status server's logic: sessions, and which chat nodes live."""

from imchat.status.logic.nodes import Nodes
from imchat.status.logic.status import StatusLogic

__all__ = ["Nodes", "StatusLogic"]
