"""What the package promises to those who install it: current generated code, plugins, data files."""

import configparser
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase

import imchat

ROOT = Path(__file__).resolve().parents[2]
SERVERS = {"imchat", "imchat-gate", "imchat-verify", "imchat-status", "imchat-chat"}


class GeneratedCode(SynchronousTestCase):
    def test_it_is_what_the_schema_says_now(self):
        wire = ROOT / "imchat" / "wire"
        schemas = sorted(wire.glob("*.proto"))
        self.assertEqual([schema.name for schema in schemas], ["bus.proto", "imchat.proto"])
        with tempfile.TemporaryDirectory() as fresh:
            arguments = [
                "protoc",
                f"-I{wire}",
                f"--python_out={fresh}",
                f"--pyi_out={fresh}",
                *(str(schema) for schema in schemas),
            ]
            self.assertEqual(protoc.main(arguments), 0)
            for name in (schema.stem + ending for schema in schemas for ending in ("_pb2.py", "_pb2.pyi")):
                self.assertEqual((Path(fresh) / name).read_text(), (wire / name).read_text(), f"{name}: make proto")


class Installed(SynchronousTestCase):
    def test_twistd_finds_the_servers_and_their_options(self):
        found = {plugin.tapname: plugin for plugin in getPlugins(IServiceMaker) if plugin.tapname in SERVERS}
        self.assertEqual(set(found), SERVERS)
        for name, plugin in found.items():
            usage = plugin.options().getUsage()
            self.assertIn("--config", usage, name)

    def test_data_files_come_along(self):
        package = resources.files(imchat)
        self.assertTrue(package.joinpath("py.typed").is_file())
        self.assertTrue(package.joinpath("wire", "imchat.proto").is_file())

    def test_every_extra_is_named(self):
        setup = configparser.ConfigParser()
        setup.read(ROOT / "setup.cfg")
        self.assertLessEqual({"desktop", "test", "dev"}, set(setup["options.extras_require"]))
