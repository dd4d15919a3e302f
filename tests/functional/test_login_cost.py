"""The printed measurement of what a login costs: it runs, and shows that the number of contacts does not matter."""

import os
import sys
from pathlib import Path

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.utils import getProcessOutputAndValue

ROOT = Path(__file__).resolve().parents[2]


@pytest_twisted.ensureDeferred
async def test_a_login_asks_as_much_of_the_database_with_a_thousand_contacts_as_with_ten():
    words = ("-m", "bench.presence", "--quick")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    out, err, code = await getProcessOutputAndValue(sys.executable, words, environment, str(ROOT), reactor)
    assert code == 0, (out, err)
    lines = {line[:32].strip(): line[32:].split() for line in out.decode().splitlines()}
    for name in ("login", "watching 10 of them", "login with 1,000 conversations"):
        few, many, ratio, *_ = lines[name]
        assert (few, ratio) == (many, "1.00"), out.decode()
