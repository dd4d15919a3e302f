"""The configuration: what it takes, what it refuses and in which words, and which source wins."""

import re
import tempfile
import tomllib
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imchat.config import Config, ConfigError, load

SAMPLE = Path(__file__).resolve().parents[2] / "etc" / "imchat.toml"
EXAMPLES_ONLY = {
    "verify.smtp.password_file",
    "verify.smtp.ca_file",
    "admin.socket",
    "database.socket",
    "database.password_file",
    "database.ca_file",
    "redis.password_file",
    "redis.sentinel_password_file",
    "links.secret_file",
}


def flatten(tree: dict, prefix: str = "") -> dict:
    """A nested dictionary as ``{"section.key": value}``."""
    flat = {}
    for key, value in tree.items():
        if isinstance(value, dict) and set(value) != {"count", "seconds"}:
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


class Sources(SynchronousTestCase):
    def write(self, text: str) -> Path:
        path = Path(self.mktemp())
        path.write_text(text, "utf-8")
        return path

    def test_defaults_need_no_file(self):
        config = load(environment={})
        self.assertEqual(config.gate.listen, "tcp:8080:interface=127.0.0.1")
        self.assertEqual(config.chat.listen, "tcp:8090:interface=127.0.0.1")

    def test_the_command_line_beats_the_environment_and_that_the_file(self):
        path = self.write("[gate]\nmax_body = 2000\nmax_connections = 7\nrequest_timeout = 5\n")
        environment = {"IMCHAT_GATE__MAX_BODY": "3000", "IMCHAT_GATE__REQUEST_TIMEOUT": "6", "HOME": "/"}
        config = load(path, ["gate.max_body=4000"], environment)
        self.assertEqual((config.gate.max_body, config.gate.request_timeout, config.gate.max_connections), (4000, 6, 7))

    def test_nested_sections_can_be_set_from_outside(self):
        config = load(None, ["verify.smtp.port=465"], {"IMCHAT_GATE__HASHING__THREADS": "3"})
        self.assertEqual((config.verify.smtp.port, config.gate.hashing.threads), (465, 3))

    def test_half_of_a_limit_can_be_set(self):
        limit = load(None, ["gate.logins_per_address.count=7"], {}).gate.logins_per_address
        self.assertEqual((limit.count, limit.seconds), (7, 60))

    def test_lists_from_outside_are_separated_by_commas(self):
        environment = {"IMCHAT_LINKS__STATUS": "tls:one.example:8092, tls:two.example:8092"}
        config = load(None, ["links.verify=unix:/run/verify.sock"], environment)
        self.assertEqual(config.links.status, ("tls:one.example:8092", "tls:two.example:8092"))
        self.assertEqual(config.links.verify, ("unix:/run/verify.sock",))

    def test_secrets_are_not_shown(self):
        config = load(None, [], {"IMCHAT_LINKS__SECRET": "5e884898da280471", "IMCHAT_DATABASE__PASSWORD": "hunter22"})
        self.assertEqual(config.database.password.get_secret_value(), "hunter22")
        for shown in (repr(config), str(config.model_dump(mode="json"))):
            self.assertNotIn("5e884898da280471", shown)
            self.assertNotIn("hunter22", shown)

    def test_relative_paths_stay_as_written(self):
        self.assertEqual(load(environment={}).admin_socket, Path("imchat-data/admin.sock"))


class Refusals(SynchronousTestCase):
    def refuse(self, *assignments: str) -> str:
        return str(self.assertRaises(ConfigError, load, None, assignments, {}))

    def test_every_fault_is_named_on_a_line_of_its_own(self):
        text = self.refuse("gate.lisen=tcp:1", "gate.max_body=many", "chat.idle_timeout=1")
        lines = text.splitlines()
        self.assertEqual(len(lines), 3, text)
        self.assertTrue(any("gate.lisen: unknown key" in line for line in lines), text)
        self.assertTrue(any("gate.max_body" in line and "integer" in line for line in lines), text)
        self.assertTrue(any("chat.idle_timeout" in line and "10" in line for line in lines), text)

    def test_a_file_has_types(self):
        path = Path(self.mktemp())
        path.write_text('[gate]\nrequest_timeout = true\nmax_body = "70000"\nmax_connections = 20.0\n', "utf-8")
        error = self.assertRaises(ConfigError, load, path, [], {})
        for key in ("gate.request_timeout", "gate.max_body", "gate.max_connections"):
            self.assertIn(key, str(error))

    def test_a_value_in_the_place_of_a_section(self):
        path = Path(self.mktemp())
        path.write_text("gate = 3\n", "utf-8")
        self.assertIn("gate: must be a section", str(self.assertRaises(ConfigError, load, path, [], {})))

    def test_a_port_that_is_none(self):
        self.assertIn("chat.listen", self.refuse("chat.listen=tcp:99999:interface=127.0.0.1"))

    def test_less_memory_than_argon2_takes(self):
        self.assertIn("memory_kib", self.refuse("gate.hashing.memory_kib=8", "gate.hashing.lanes=16"))

    def test_an_unknown_section(self):
        self.assertIn("gaet", self.refuse("gaet.listen=tcp:1"))

    def test_an_endpoint_that_is_none(self):
        self.assertIn("gate.listen", self.refuse("gate.listen=8080"))
        self.assertIn("gate.listen", self.refuse("gate.listen=tcp:http-alt-and-more"))

    def test_a_name_of_a_node_that_would_leave_its_directory(self):
        self.assertIn("server.node", self.refuse("server.node=../chat"))

    def test_links_to_nobody(self):
        self.assertIn("links.status", self.refuse("links.status="))
        self.assertIn("links.verify", self.refuse("links.verify=nowhere"))

    def test_an_address_without_port(self):
        self.assertIn("chat.advertise", self.refuse("chat.advertise=chat.example.org"))

    def test_an_assignment_that_is_none(self):
        self.assertIn("SECTION.KEY=VALUE", self.refuse("listen"))

    def test_a_variable_for_an_unknown_key(self):
        error = self.assertRaises(ConfigError, load, None, [], {"IMCHAT_CHAT__PROT": "1"})
        self.assertIn("chat.prot", str(error))

    def test_a_file_that_is_missing_or_no_toml(self):
        missing = Path(self.mktemp())
        self.assertIn(str(missing), str(self.assertRaises(ConfigError, load, missing, [], {})))
        missing.write_text("[gate\n", "utf-8")
        self.assertIn("is not TOML", str(self.assertRaises(ConfigError, load, missing, [], {})))
        missing.write_bytes(b"\xff\xfe")
        self.assertIn("cannot be read", str(self.assertRaises(ConfigError, load, missing, [], {})))


class Sample(SynchronousTestCase):
    def test_the_sample_names_every_setting_with_its_default(self):
        lines = SAMPLE.read_text("utf-8").splitlines()
        settings = [line[1:] if re.match(r"#[a-z_]+ = ", line) else line for line in lines]
        sample = flatten(tomllib.loads("\n".join(settings)))
        defaults = flatten(Config().model_dump(mode="json"))
        self.assertEqual(set(sample), set(defaults))
        differing = {k: v for k, v in sample.items() if k not in EXAMPLES_ONLY and v != defaults[k]}
        self.assertEqual(differing, {})

    def test_the_sample_is_valid_as_it_is_and_with_every_line_in_force(self):
        self.assertEqual(load(SAMPLE, [], {}), Config())
        text = re.sub(r"(?m)^#(?=[a-z_]+ = )", "", SAMPLE.read_text("utf-8"))
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(text)
            file.flush()
            load(Path(file.name), [], {})
