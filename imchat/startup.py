"""What can be found out before a server starts, while its parent process can still say it in one line and exit.

``twistd`` daemonises after ``makeService``; what fails later is seen only in the log, and leaves a pid file. So the
data directory, its lock, and the ports are checked here, synchronously.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import socket
import stat
from ipaddress import ip_address
from pathlib import Path

from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor

from imchat.domain.models import NodeAddress

_LOCK = "lock"
_LONGEST_SOCKET_PATH = 107  # sun_path of Linux, less the final NUL


class StartupError(Exception):
    """The server cannot start; the message is one line for the operator that says what to change."""


def make_data_dir(path: Path) -> Path:
    """Create the data directory (mode 700) if it does not exist, and make sure that it can be written.

    Returns:
        The absolute path.

    Raises:
        StartupError: it cannot be created or written, or is not a directory.
    """
    path = path.absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            _close_to_others(path)
        probe = path / f".probe-{os.getpid()}"
        probe.touch(mode=0o600)
        probe.unlink()
    except FileExistsError:
        raise StartupError(f"data directory {path}: is a file; choose another with --data") from None
    except OSError as error:
        raise StartupError(f"data directory {path}: {error.strerror}; choose another with --data") from error
    return path


def _close_to_others(path: Path) -> None:
    # Somebody else's directory, say /tmp, must not lose its mode because it was named here by mistake.
    if any(path.iterdir()) and not (path / _LOCK).exists():
        raise StartupError(
            f"data directory {path}: others may read it, and what is in it is not imchat's; "
            "choose another with --data, or take the others' rights away (chmod 700)"
        )
    path.chmod(0o700)


class DirectoryLock:
    """An exclusive lock on a data directory, held until the process ends; a daemon inherits it from its parent.

    Args:
        directory: The directory; the lock is the file ``lock`` in it.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / _LOCK
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            StartupError: another process holds it, or the file cannot be opened.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartupError(f"lock {self._path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            named = f" (process {holder})" if holder else ""
            raise StartupError(
                f"data directory {self._path.parent}: another imchat server{named} is using it; "
                "stop that one or choose another directory with --data"
            ) from None
        self._descriptor = descriptor

    def refuse_if_held(self) -> None:
        """Look whether another process holds the lock, without taking it.

        Raises:
            StartupError: one does.
        """
        if self._path.exists():
            self.acquire()
            self.release()

    def note_holder(self) -> None:
        """Write this process's id into the lock file, for the message that a second server prints."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let the lock go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def tcp_address(endpoint: str) -> tuple[str, int] | None:
    """Interface and port of a ``tcp:`` or ``ssl:`` endpoint string, None for other kinds."""
    kind, _, rest = endpoint.partition(":")
    if kind in ("ssl", "tls"):
        # Only the address is wanted here; certificate and key are read when it listens.
        words = [w for w in rest.split(":") if w.startswith(("interface=", "port=")) or w.isdecimal()]
        endpoint = ":".join(["tcp", *words])
    elif kind not in ("tcp", "tcp4", "tcp6"):
        return None
    memory = MemoryReactor()
    serverFromString(memory, endpoint).listen(Factory())
    port, _, _, interface = memory.tcpServers[0]
    return interface, port


def check_port(endpoint: str, setting: str) -> None:
    """Make sure that an endpoint could be listened on now; see :func:`check_ports`."""
    check_ports((endpoint, setting))


def check_ports(*listeners: tuple[str, str]) -> None:
    """Make sure that endpoints could be listened on now, all at once.

    Args:
        listeners: Endpoint strings, each with the name of its setting. Kinds other than tcp and ssl are not checked.

    Raises:
        StartupError: a port is taken, also by another of the listeners, or may not be bound; a file that an endpoint
            names cannot be used.
    """
    with contextlib.ExitStack() as held:
        for endpoint, setting in listeners:
            check_files(endpoint, setting)
            address = tcp_address(endpoint)
            if address is not None:
                held.enter_context(_probe(*address, f"{setting} = {endpoint!r}"))


def check_files(endpoint: str, setting: str) -> None:
    """Make sure that the key and certificate files of an ``ssl:`` endpoint can be used.

    Raises:
        StartupError: they cannot.
    """
    if endpoint.partition(":")[0] == "ssl":
        try:
            serverFromString(MemoryReactor(), endpoint)
        except OSError as error:
            raise StartupError(f"{setting} = {endpoint!r}: {error.filename}: {error.strerror}") from error
        except Exception as error:
            reason = str(error) or "the key or certificate file is not PEM"
            raise StartupError(f"{setting} = {endpoint!r}: {reason}") from error


def _probe(interface: str, port: int, setting: str) -> contextlib.closing[socket.socket]:
    family = socket.AF_INET6 if ":" in interface else socket.AF_INET
    probe = socket.socket(family, socket.SOCK_STREAM)
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((interface, port))
        probe.listen(1)
    except OSError as error:
        probe.close()
        where = f"{interface or '0.0.0.0'}:{port}"  # noqa: S104
        if error.errno == errno.EADDRINUSE:
            reason = "the port is in use, by another program or another setting; choose another port"
        elif error.errno == errno.EACCES:
            reason = "not permitted; ports below 1024 need privileges, choose another port"
        else:
            reason = f"{error.strerror}; choose another address"
        raise StartupError(f"{setting}: cannot listen on {where}: {reason}") from error
    return contextlib.closing(probe)


def check_socket_path(path: Path, setting: str) -> None:
    """Make sure that a UNIX socket could be made at ``path``, and remove one left by a server that was killed.

    Only to be called while the data directory's lock is held.

    Raises:
        StartupError: the path is too long for a UNIX socket, or occupied by something else.
    """
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        raise StartupError(
            f"{setting} = {str(path)!r}: too long for a UNIX socket ({_LONGEST_SOCKET_PATH} bytes at most); "
            "set a shorter one"
        )
    try:
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
        else:
            raise StartupError(f"{setting} = {str(path)!r}: is there already and no socket; remove it")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StartupError(f"{setting} = {str(path)!r}: {error.strerror}") from error


def check_shared_socket_path(path: Path, setting: str) -> None:
    """As :func:`check_socket_path`, where no lock says that nobody uses the socket: one that answers is not removed.

    Raises:
        StartupError: as there, or another server answers.
    """
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        try:
            probe.connect(os.fsencode(path))
        except OSError:
            pass
        else:
            raise StartupError(f"{setting} = {str(path)!r}: another server uses it; set server.node or {setting}")
    check_socket_path(path, setting)


def node_name(configured: str) -> str:
    """The name of a server among those of its kind: the operator's, or the machine's."""
    return configured or re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()).lstrip(".-_")[:64] or "node"


def advertised(endpoint: str, advertise: str) -> NodeAddress:
    """The address that clients are told to connect to.

    Args:
        endpoint: Where the chat node listens.
        advertise: ``HOST:PORT`` from the configuration, or empty.

    Raises:
        StartupError: ``advertise`` is empty and the listener's own address says nothing to a client, or ``advertise``
            says nothing to one itself.
    """
    tls = endpoint.partition(":")[0] in ("ssl", "tls")
    if advertise:
        host, _, port = advertise.rpartition(":")
        host = host.strip("[]")
        if _is_everywhere(host):
            raise StartupError(f"chat.advertise = {advertise!r} is no address that clients can reach: name one")
        return NodeAddress(host, int(port), tls)
    address = tcp_address(endpoint)
    if address is None or _is_everywhere(address[0]) or not address[1]:
        raise StartupError(
            f'chat.listen = {endpoint!r} says no address that clients can reach: set chat.advertise = "HOST:PORT"'
        )
    return NodeAddress(address[0], address[1], tls)


def _is_everywhere(host: str) -> bool:
    """Whether a host, in whatever spelling (``0``, ``::0``), stands for all addresses of the machine."""
    if not host:
        return True
    try:
        spelt_out = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)[0][4][0]
    except OSError:
        return False
    return ip_address(str(spelt_out).partition("%")[0]).is_unspecified
