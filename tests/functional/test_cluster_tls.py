"""A cluster whose every connection between machines would be encrypted: TLS with a private authority, as documented."""

import socket
import ssl

import pymysql
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.threads import deferToThread

from imchat.testing import Cluster
from imchat.testing.processes import Child, free_port
from tests.fakes.certificates import Authority
from tests.functional.conftest import GENEROUS
from tests.functional.test_cluster import everything_heard, two
from tests.functional.test_embedded import twistd


class Keys:
    """Certificates in files: of a private authority, of the server ``localhost``, and of an authority of strangers."""

    def __init__(self, directory):
        authority, stranger = Authority(), Authority("Somebody Else")
        self.trusted, self.strange = directory / "trusted", directory / "strange"
        for path, pem in ((self.trusted, authority.pem), (self.strange, stranger.pem)):
            path.mkdir()
            (path / "ca.pem").write_bytes(pem)
        self.server = directory / "server.pem"
        self.server.write_bytes(authority.issue("localhost"))

    def listen(self, port):
        """The endpoint of a server of links."""
        return f"ssl:{port}:interface=127.0.0.1:privateKey={self.server}:certKey={self.server}"

    def at(self, port, trusting=None):
        """The endpoint of a client."""
        return f"tls:localhost:{port}:trustRoots={trusting or self.trusted}"


@pytest.fixture
def keys(tmp_path):
    """Made for this test."""
    return Keys(tmp_path)


@pytest.fixture
def cluster(tmp_path, keys):
    """A running cluster over TLS, whose database and Redis take nothing else."""
    verify, status = free_port(), free_port()
    redis, mariadb = "redis.endpoint={}", "database.ca_file={}"
    ports = Cluster(reactor, tmp_path / "cluster").ports
    settings = (
        f"verify.listen={keys.listen(verify)}",
        f"links.verify={keys.at(verify)}",
        f"status.listen={keys.listen(status)}",
        f"links.status={keys.at(status)}",
        "database.host=localhost",
        mariadb.format(keys.trusted / "ca.pem"),
        redis.format(keys.at(ports["redis"])),
    )
    running = Cluster(reactor, tmp_path / "cluster", settings=(*GENEROUS, *settings))
    running.tls_ports = (verify, status, ports["redis"])
    files = ("cert", "key")
    running.mariadb.command += [f"--ssl-{file}={keys.server}" for file in files] + ["--require-secure-transport=ON"]
    at = running.redis.command.index("--port")
    running.redis.command[at : at + 2] = ["--port", "0", "--tls-port", str(ports["redis"])]
    for file in files:
        running.redis.command += [f"--tls-{file}-file", str(keys.server)]
    running.redis.command += ["--tls-ca-cert-file", str(keys.trusted / "ca.pem"), "--tls-auth-clients", "no"]
    try:
        pytest_twisted.blockon(ensureDeferred(running.start()))
        yield running
    finally:
        pytest_twisted.blockon(ensureDeferred(running.kill()))


def certificate(port, keys):
    """Whom a port names itself in its certificate, checked as clients do."""
    context = ssl.create_default_context(cafile=str(keys.trusted / "ca.pem"))
    line = socket.create_connection(("127.0.0.1", port), 5)
    with context.wrap_socket(line, server_hostname="localhost") as encrypted:
        return encrypted.getpeercert()["subjectAltName"]


@pytest_twisted.ensureDeferred
async def test_two_people_talk_across_nodes_and_nothing_goes_in_clear(cluster, keys, state_dir):
    alice, bob, ears = await two(cluster, state_dir)
    try:
        await alice.run("send", "bob", "over TLS")
        await bob.run("send", "alice", "so it is")
        await everything_heard(ears, {"alice": ["over TLS"], "bob": ["so it is"]})
    finally:
        for ear in ears.values():
            ear.signal("KILL")
    for port in cluster.tls_ports:
        assert await deferToThread(certificate, port, keys) == (("DNS", "localhost"),)
    account = {"user": cluster.mariadb.user, "password": cluster.mariadb.password, "port": cluster.ports["mariadb"]}
    trusting = ssl.create_default_context(cafile=str(keys.trusted / "ca.pem"))
    pymysql.connect(host="localhost", ssl=trusting, **account).close()
    with pytest.raises(pymysql.err.OperationalError):
        pymysql.connect(host="localhost", ssl_disabled=True, **account)
    for child in cluster.children.values():
        assert "Traceback" not in child.output, child.output[-3000:]


@pytest_twisted.ensureDeferred
async def test_servers_that_nobody_known_vouches_for_get_no_secrets(cluster, keys, tmp_path):
    chat = [part for part in cluster.chats["a"].command if not part.startswith(("--listen", "--node"))]
    chat += ["--node=c", f"--listen=tcp:{free_port()}:interface=127.0.0.1"]
    status = keys.at(cluster.tls_ports[1], keys.strange)
    redis = keys.at(cluster.ports["redis"], keys.strange)
    doubting = Child(reactor, [*chat, f"--set=links.status={status}", f"--set=redis.endpoint={redis}"], "imchat is")
    try:
        await doubting.start()
        lines = doubting.output.splitlines()
        for words in (f"status at {status} is not linked", f"Redis ({redis}) does not serve"):
            (line,) = [line for line in lines if words in line]
            assert "certificate verify failed" in line, line
        assert "chat node c" not in cluster.status.output
    finally:
        await doubting.kill()
    # The database is asked before the start.
    options = chat[chat.index("imchat-chat") :]
    refused = await deferToThread(
        twistd, "--nodaemon", *options, f"--set=database.ca_file={keys.strange / 'ca.pem'}", cwd=tmp_path
    )
    assert refused.returncode == 1 and len(refused.stderr.splitlines()) == 1, refused.stderr
    assert "certificate verify failed" in refused.stderr


@pytest_twisted.ensureDeferred
async def test_authorities_that_are_not_there_are_one_line_before_the_start(keys, tmp_path):
    config = tmp_path / "imchat.toml"
    config.write_text('[links]\nsecret = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"\n[verify.smtp]\nhost = "127.0.0.1"\n')
    options = ["--nodaemon", "imchat-verify", f"--config={config}", "--set=redis.endpoint=tcp:127.0.0.1:1"]
    for setting in ("redis.endpoint", "redis.sentinels", "links.status", "links.verify"):
        place = f"tls:localhost:1:trustRoots={tmp_path / 'missing'}"
        password = "--set=redis.password=of-redis-itself"
        refused = await deferToThread(twistd, *options, password, f"--set={setting}={place}", cwd=tmp_path)
        assert refused.returncode == 1 and len(refused.stderr.splitlines()) == 1, refused.stderr
        for words in (setting, place, "No such file or directory"):
            assert words in refused.stderr, refused.stderr
