"""What a device shows, kept live: IMCHAT_PASSWORD=... python examples/screen.py NAME [SERVER]."""

import os
import platform
import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from imchat.client import Credentials, Gate, MemoryState, Options, Outside, SecureIds
from imchat.client.mirror import Mirror, MirrorState, contacts, conversations, newest, title
from imchat.client.network import http_client, node_connector
from imchat.domain.content import Text


def show(state: MirrorState) -> None:
    """Print the screen anew; a state has everything, so nothing need be remembered from the one before."""
    print(f"--- {len(contacts(state))} contacts")
    for talk in conversations(state):
        last = newest(state, talk.conversation_id)
        text = last.content.text if last is not None and isinstance(last.content, Text) else ""
        print(f"{title(state, talk)}: {talk.unread} unread; {' '.join(text.split())[:60]}", flush=True)


async def main(reactor: Any, name: str, server: str) -> None:
    """Log in, and show each new state until the session ends."""
    gate = Gate(server, http_client(reactor), reactor)
    outside = Outside(gate, node_connector(reactor), reactor, SecureIds(), MemoryState())
    mirror = Mirror(outside, Options(device_name="screen", platform=platform.system().lower()), changed=show)
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(mirror.stop()))
    await mirror.start(Credentials(name, os.environ["IMCHAT_PASSWORD"]))
    await mirror.client.when_closed()


if len(sys.argv) not in (2, 3) or "IMCHAT_PASSWORD" not in os.environ:
    sys.exit(__doc__)
if len(sys.argv) == 2:
    sys.argv.append(os.environ.get("IMCHAT_SERVER", "http://127.0.0.1:8080"))
react(main, sys.argv[1:])
