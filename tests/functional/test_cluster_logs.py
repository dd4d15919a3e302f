"""The log stays readable: one line when an outage begins and one when it ends, in each server that it concerns."""

import pytest
import pytest_twisted

from tests.functional.people import couple, marks, new_lines, pause, until

SERVERS = ("verify", "status", "chat-a", "chat-b", "gate")


REDIS = (("Redis (tcp:", "does not serve"), ("Redis (tcp:", "serves again"))
DATABASE = ("the database imchat at 127.0.0.1:{mariadb} ", "the database imchat at 127.0.0.1:{mariadb} serves again")


def linked(kind):
    return (f"{kind} at unix:", "is not linked"), (f"{kind} at unix:", "is linked")


CASES = {
    "redis": dict.fromkeys(("verify", "status", "chat-a", "chat-b", "gate"), REDIS),
    # status and gate notice it when somebody logs in.
    "mariadb": dict.fromkeys(("chat-a", "chat-b"), DATABASE),
    "status": dict.fromkeys(("chat-a", "chat-b", "gate"), linked("status")),
    "verify": {"gate": linked("verify")},
    "gate": {
        kind: ((f"{kind}: a process of this machine", "is gone"), (f"{kind}: a process of this machine", "is linked"))
        for kind in ("status", "verify")
    },
}


@pytest.mark.parametrize("name", CASES)
@pytest_twisted.ensureDeferred
async def test_an_outage_is_one_line_when_it_begins_and_one_when_it_ends(cluster, name):
    ann, bob, talk = await couple(cluster)
    said, answers = [f"line {i}" for i in range(200)], [f"answer {i}" for i in range(200)]
    before = marks({server: cluster.children[server] for server in SERVERS})
    await cluster.children[name].kill()
    for start in range(0, 200, 50):
        ann.say(talk, *said[start : start + 50])
        bob.say(talk, *answers[start : start + 50])
        await pause(1.5)
    await cluster.children[name].start()
    await bob.until_shown(*said)
    await ann.until_shown(*answers)
    expected = CASES[name]
    children = {server: cluster.children[server] for server in expected}
    ends = ("serves again", "is linked")
    await until(lambda: all(any(end in child.output[before[s] :] for end in ends) for s, child in children.items()))
    await pause(4.0)
    for server in set(SERVERS) - {name}:
        lines = [line for line in new_lines(cluster.children[server], before[server]) if "#debug]" not in line]
        wanted = [(w,) if isinstance(w, str) else w for w in expected.get(server, ())]
        assert len(lines) == len(wanted), (server, lines)
        for line, words in zip(lines, wanted, strict=True):
            assert all(word.format(**cluster.ports) in line for word in words), (server, line)
    await ann.stop()
    await bob.stop()
