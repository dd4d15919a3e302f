"""What Redis does in a cluster, in the memory of one process: codes, limits, presence, the bus.

All of it may be lost: after a restart, codes must be asked for again and limits begin anew, and nodes report again.
"""

from imchat.store.memory.bus import MemoryBus, MemoryHub
from imchat.store.memory.codes import MemoryCodeStore
from imchat.store.memory.limits import MemoryRateLimiter
from imchat.store.memory.nodes import MemoryNodeCopy
from imchat.store.memory.presence import MemoryPresence

__all__ = ["MemoryBus", "MemoryCodeStore", "MemoryHub", "MemoryNodeCopy", "MemoryPresence", "MemoryRateLimiter"]
