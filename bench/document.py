"""Puts the recorded figures into docs/performance.md, between two marks: ``make figures``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench import report, targets

BEGIN = "<!-- figures: made by make figures from bench/results/recorded.json -->"
END = "<!-- end of figures -->"

_ROOT = Path(__file__).parent.parent


def section(record: dict[str, Any]) -> str:
    """What stands between the marks."""
    command = "make bench QUICK=1" if record["quick"] else "make bench"
    line = f"Measured on {record['at']} with `{command}`: {report.machine(record['machine'])}."
    return "\n\n".join([BEGIN, line, report.tables(record["runs"]), targets.table_of(record["runs"]), END])


def updated(text: str, record: dict[str, Any]) -> str:
    """The document with the figures of a record.

    Raises:
        ValueError: a mark is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the marks around the figures are missing")
    return before + section(record) + after


def main() -> None:
    """Update the document."""
    record = json.loads((_ROOT / "bench/results/recorded.json").read_text("utf-8"))
    path = _ROOT / "docs/performance.md"
    path.write_text(updated(path.read_text("utf-8"), record), "utf-8")
    print(f"{path} shows the figures of {record['at']}")


if __name__ == "__main__":
    main()
