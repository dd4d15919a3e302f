"""The figures as tables, for the terminal and for docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Result = dict[str, Any]

_TALK = (
    "talk", "msg/s", "ack p50 / p99 / max ms", "server µs", "database µs", "Redis µs", "together µs", "generator µs",
    "per flush", "server MiB",
)  # fmt: skip
_IDLE = ("idle connections", "KiB each", "MiB before / after", "Hellos/s", "µs per Hello")
_LOGINS = ("logins", "per s", "p50 / p99 / max ms", "server µs", "database µs", "generator µs", "/healthz p50 / p99 ms")


def servers_us(figures: dict[str, float]) -> float:
    """CPU of imchat's own processes."""
    return sum(value for name, value in figures.items() if name not in ("mariadb", "redis", "generator"))


def _number(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _times(times: dict[str, float], *names: str) -> str:
    return " / ".join(_number(times[name]) for name in names)


def together_us(figures: dict[str, float]) -> float:
    """CPU of all processes but the generator."""
    return sum(value for name, value in figures.items() if name != "generator")


def _talk_row(run: Result) -> tuple[str, ...]:
    cpu = run["cpu_us"]
    return (
        run["title"],
        _number(run["per_second"], 0),
        _times(run["ms"], "p50", "p99", "max"),
        _number(servers_us(cpu)),
        _number(cpu.get("mariadb")),
        _number(cpu.get("redis")),
        _number(together_us(cpu)),
        _number(cpu["generator"]),
        _number(run["flush"]),
        _number(sum(mib for name, mib in run["memory_mib"].items() if name.startswith("chat")), 0),
    )


def _idle_row(run: Result) -> tuple[str, ...]:
    memory = run["memory_mib"]
    return (
        run["title"],
        _number(run["kib_each"]),
        f"{memory['before']} / {memory['after']}",
        _number(run["hellos_per_second"], 0),
        _number(run["cpu_us"]["all servers"], 0),
    )


def _logins_row(run: Result) -> tuple[str, ...]:
    cpu = run["cpu_us"]
    return (
        run["title"],
        _number(run["per_second"]),
        _times(run["ms"], "p50", "p99", "max"),
        _number(servers_us(cpu), 0),
        _number(cpu.get("mariadb"), 0),
        _number(cpu["generator"], 0),
        _times(run["other_ms"], "p50", "p99"),
    )


_KINDS = {"talk": (_TALK, _talk_row), "idle": (_IDLE, _idle_row), "logins": (_LOGINS, _logins_row)}


def _process_cell(run: Result, name: str) -> str:
    cpu, memory = run["cpu_us"].get(name), run["memory_mib"].get(name)
    return "–" if cpu is None and memory is None else f"{_number(cpu)} / {_number(memory, 0)}"


def _by_process(runs: list[Result]) -> str:
    names = tuple(dict.fromkeys(name for run in runs for name in (*run["cpu_us"], *run["memory_mib"])))
    head = ("by process: µs per message or login / resident MiB", *names)
    return table(head, [(run["title"], *(_process_cell(run, name) for name in names)) for run in runs])


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown, aligned for the terminal too."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def line_of(cells: tuple[str, ...]) -> str:
        first, *rest = (
            cell.ljust(w) if n == 0 else cell.rjust(w) for n, (cell, w) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join([first, *rest])} |"

    rule = "|".join(["", "-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:]), ""])
    return "\n".join([line_of(head), rule, *map(line_of, lines[1:])])


def tables(runs: list[Result]) -> str:
    """The runs as tables in Markdown, one for each kind and one by process, the warnings below."""
    parts = []
    for kind, (head, row) in _KINDS.items():
        if rows := [row(run) for run in runs if run["kind"] == kind]:
            parts.append(table(head, rows))
    if measured := [run for run in runs if run["kind"] in ("talk", "logins")]:
        parts.append(_by_process(measured))
    warnings = [f"Warning: {run['title']}: {warning}" for run in runs for warning in run["warnings"]]
    return "\n\n".join([*parts, *warnings])


def machine(found: dict[str, Any]) -> str:
    """What was measured on, in one line."""
    return (
        f"{found['cores']} cores ({found['cpu']}), {found['memory_gib']} GiB, Linux {found['kernel']}, "
        f"Python {found['python']}, {found['mariadb']}, {found['redis']}; fdatasync {found['fdatasync_ms']} ms; "
        f"load at the start {found['load']}"
    )
