"""The wheel and the source distribution hold all that a server needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel_target(tmp_path_factory):
    """A folder into which the wheel, built from the source distribution, is installed."""
    dist, target = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("target")
    subprocess.run([sys.executable, "-m", "build", "--outdir", dist, ROOT], check=True, capture_output=True)
    (wheel,) = dist.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    return target


def run(target: Path, cwd: Path, *code: str) -> str:
    """Run Python with the installed wheel in front of everything else."""
    environment = {**os.environ, "PYTHONPATH": str(target)}
    result = subprocess.run(
        [sys.executable, *code], cwd=cwd, env=environment, capture_output=True, text=True, check=True
    )
    return result.stdout


def test_twistd_lists_the_servers(wheel_target, tmp_path):
    shown = run(wheel_target, tmp_path, "-c", "from twisted.scripts.twistd import run; run()", "--help")
    for name in ("imchat ", "imchat-gate", "imchat-verify", "imchat-status", "imchat-chat"):
        assert f" {name}" in shown


def test_the_modules_and_migrations_come_from_the_wheel(wheel_target, tmp_path):
    code = "import imchat, imchat.assemble, imchat.cli.main; print(imchat.__file__)"
    assert run(wheel_target, tmp_path, "-c", code).strip().startswith(str(wheel_target))
    versions = wheel_target / "imchat" / "store" / "sql" / "migrations" / "versions"
    assert list(versions.glob("r0001*.py"))
    assert not (wheel_target / "twisted" / "__init__.py").exists()
    assert not (wheel_target / "twisted" / "plugins" / "__init__.py").exists()
