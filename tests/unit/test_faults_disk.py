"""The disk that can be full: what a server wrote there can be looked at afterwards."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.faults.disk import make_disk


class DiskTests(SynchronousTestCase):
    def test_the_data_stays_when_the_disk_is_closed_and_nothing_is_mounted(self) -> None:
        path = Path(self.mktemp()).absolute()
        disk = make_disk(path, lambda: None)
        (path / "data").mkdir()
        (path / "data" / "imchat.sqlite").write_bytes(b"rows")
        (path / "data" / "admin.sock.lock").symlink_to("4711")
        disk.close()
        self.assertEqual((path / "data" / "imchat.sqlite").read_bytes(), b"rows")
        self.assertFalse(path.is_mount())
        self.assertEqual([found.name for found in path.parent.iterdir()], [path.name])
