"""The layout's rule: imports run strictly downwards. Each room of the house knows only what stands below it."""

import ast
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "imchat"
SERVERS = ("gate", "verify", "status", "chat")
FOUNDATION = ("imchat.ports", "imchat.domain")

# Module prefix -> what of imchat it may import. The longest matching prefix decides.
ALLOWED: dict[str, tuple[str, ...]] = {
    "imchat.domain": ("imchat.domain",),
    "imchat.wire": ("imchat.wire",),
    "imchat.ports": FOUNDATION,
    "imchat.store": ("imchat.store", *FOUNDATION),
    "imchat.net": ("imchat.net", "imchat.wire", *FOUNDATION),
    "imchat.client": ("imchat.client", "imchat.wire", "imchat.net", "imchat.domain", "imchat"),
    "imchat.cli": ("imchat.cli", "imchat.client", "imchat.assemble", "imchat.config", "imchat.domain", "imchat"),
    "imchat.config": ("imchat.config",),
    "imchat.startup": ("imchat.domain",),
    "imchat.assemble": ("imchat",),
    "imchat.tap": ("imchat.assemble", "imchat.config", "imchat.startup", "imchat"),
    "imchat.testing": ("imchat.testing",),
}
for server in SERVERS:
    ALLOWED[f"imchat.{server}"] = (f"imchat.{server}", "imchat.net", "imchat.wire", "imchat", *FOUNDATION)
    ALLOWED[f"imchat.{server}.logic"] = (f"imchat.{server}.logic", f"imchat.{server}.settings", *FOUNDATION)
    ALLOWED[f"imchat.{server}.tap"] = ("imchat.assemble", "imchat.config", "imchat.startup", "imchat.tap", "imchat")

# Prefix -> third-party packages that it must not import.
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "imchat.domain": ("twisted", "google", "klein", "treq"),
    "imchat.wire": ("twisted", "klein", "treq"),
    "imchat.ports": ("twisted", "google"),
    **{f"imchat.{s}.logic": ("klein", "google", "twisted.spread", "twisted.web", "twisted.mail") for s in SERVERS},
}

# Where the global reactor may be named: entries that a person starts.
REACTOR_ALLOWED = (
    "imchat.tap",
    "imchat.cli",
    "imchat.gate.tap",
    "imchat.verify.tap",
    "imchat.status.tap",
    "imchat.chat.tap",
)


def modules() -> dict[str, Path]:
    """Every module of the package by name, generated ones left out."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name.endswith("_pb2.py") or "migrations" in path.parts:
            continue
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path) -> set[str]:
    """Full names of all that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def within(name: str, prefix: str) -> bool:
    """Whether a dotted name is a prefix or lies below it."""
    return name == prefix or name.startswith(prefix + ".")


def longest(table: dict[str, tuple[str, ...]], module: str) -> tuple[str, ...] | None:
    """The entry of the longest prefix that holds a module."""
    prefixes = [prefix for prefix in table if within(module, prefix)]
    return table[max(prefixes, key=len)] if prefixes else None


def permitted(module: str, name: str) -> bool:
    """Whether a module may import a name of imchat."""
    allowed = longest(ALLOWED, module)
    assert allowed is not None, f"{module} has no place in the layout: give it a rule here"
    if module == "imchat.assemble" or module.startswith("imchat.assemble."):
        return True
    # "imchat" alone stands for imchat.__version__.
    return any(name in ("imchat", "imchat.__version__") if rule == "imchat" else within(name, rule) for rule in allowed)


class ImportRules(SynchronousTestCase):
    def test_imports_run_downwards(self):
        wrong = [
            f"{module} imports {name}"
            for module, path in modules().items()
            if module != "imchat"
            for name in sorted(imported(path))
            if within(name, "imchat") and not permitted(module, name)
        ]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_logic_and_domain_know_no_framework(self):
        wrong = [
            f"{module} imports {name}"
            for module, path in modules().items()
            for name in sorted(imported(path))
            if any(within(name, bad) for bad in longest(FORBIDDEN, module) or ())
        ]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_the_global_reactor_is_named_at_entries_only(self):
        wrong = [
            module
            for module, path in modules().items()
            if "twisted.internet.reactor" in imported(path)
            and not any(within(module, entry) for entry in REACTOR_ALLOWED)
        ]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_environment_is_read_in_the_configuration_and_at_the_command_line_only(self):
        wrong = [
            module
            for module, path in modules().items()
            if not within(module, "imchat.cli") and not within(module, "imchat.config")
            if any(word in path.read_text("utf-8") for word in ("os.environ", "os.getenv"))
        ]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_the_plugin_folder_is_no_package(self):
        inits = list((ROOT / "twisted").rglob("__init__.py"))
        self.assertEqual(inits, [], "an __init__.py here would hide the installed Twisted")

    def test_the_plugin_file_holds_strings_only(self):
        names = imported(ROOT / "twisted" / "plugins" / "imchat_plugins.py")
        self.assertEqual(names, {"twisted.application.service.ServiceMaker"})
