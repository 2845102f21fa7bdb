"""What a run saw of each fault, as JSON and as a page of the docs."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import get_args

from tests.faults.harness.faults import Fault, phrase

LIMIT_SECONDS = 10.0
# Docker's own pause before it starts a crashing container again is at most a minute, and verify waits as long.
GREEN_SECONDS = 90.0
_INTRODUCTION = """\
# Reliability

What `pointsman verify` and `pointsman status` say when something breaks, and how soon. Every fault below was injected
for real into a running environment with the whole stack, one after the other, and undone again; what each of them does
is told at the end of the page. `make reliability` does the same on your machine, in an environment of its own, and
writes this page; it takes about 20 minutes.

| column | meaning |
| --- | --- |
| fault | what was done, and to which service |
| named by | the check of `verify` that has to be red, and to say what is wrong |
| `verify` red | seconds from the injected fault to the end of the first `verify` that has that check red |
| `status` red | the same for `status` and the service's row; empty where the service itself runs well |
| green | seconds from the undone fault to the end of the first `verify` in which nothing is red |

Red has to be seen within {limit:.0f} s, green within {green:.0f} s; what is later is **bold**. Each command is run
again and again, both at the same time, until it says so: a time holds the whole of its last run, the start of the
process included, and of any run before that did not see the fault yet.

- Machine: {machine}{load}
- Environment: {services}; Prometheus scrapes every second
"""


@dataclass(frozen=True)
class Row:
    """One fault. Seconds; None where it was not seen, or does not apply. `remark` says why when it was not measured.

    `load` is the machine's load average of the minute in which it was seen.
    """

    fault: str
    check: str = ""
    verify: float | None = None
    status: float | None = None
    green: float | None = None
    remark: str = ""
    load: float = 0.0


@dataclass
class Record:
    """The rows of one run, in the order in which they were measured; `soak` is the longest run without a fault.

    `services` are the names of what ran, `machine` says on what.
    """

    rows: list[Row] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    machine: str = ""
    soak_seconds: float = 0.0
    soak_runs: int = 0

    def add(self, row: Row) -> None:
        """Adds a fault."""
        self.rows.append(row)

    def document(self) -> str:
        """The record as JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"


def parsed(document: str) -> Record:
    """The record of a JSON document."""
    read = json.loads(document)
    return Record(**{**read, "rows": [Row(**row) for row in read["rows"]]})


def render(record: Record) -> str:
    """The page."""
    parts = [
        _INTRODUCTION.format(
            limit=LIMIT_SECONDS,
            green=GREEN_SECONDS,
            machine=record.machine,
            services=f"{len(record.services)} services: {', '.join(record.services)}",
            load=_load(record.rows),
        ),
        "| fault | named by | `verify` red | `status` red | green |\n| --- | --- | --- | --- | --- |",
        *(_row(row) for row in record.rows if row.verify is not None),
    ]
    page = "\n".join(parts) + "\n"
    page += _section("## Not seen", [row for row in record.rows if row.verify is None and row.check])
    page += _section("## Not verifiable where this was measured", [row for row in record.rows if not row.check])
    if record.soak_runs:
        runs = f"{record.soak_runs} runs of `verify` and `status` in {record.soak_seconds:.0f} s, all green."
        page += f"\n## Without a fault\n\n{runs}\n"
    return page + _glossary()


def this_machine() -> str:
    """Cores, processor, memory and kernel, in words."""
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    model = found.group(1) if found else platform.machine()
    total = re.search(r"^MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    memory = f", {int(total.group(1)) / 2**20:.0f} GiB of memory" if total else ""
    return f"{os.cpu_count()} cores ({model}){memory}, {platform.system()} {platform.release()}"


def _load(rows: Sequence[Row]) -> str:
    loads = sorted(row.load for row in rows if row.load)
    if not loads:
        return ""
    middle = loads[len(loads) // 2]
    return f"; its load average was {loads[0]:.0f} to {loads[-1]:.0f} meanwhile, {middle:.0f} in the middle"


def _glossary() -> str:
    lines = [f"- {phrase(kind)}: {' '.join((kind.__doc__ or '').split())}" for kind in get_args(Fault)]
    return "\n## What each fault is\n\n" + "\n".join(lines) + "\n"


def _row(row: Row) -> str:
    times = " | ".join((_seconds(row.verify), _seconds(row.status), _seconds(row.green, GREEN_SECONDS)))
    return f"| {row.fault} | `{row.check}` | {times} |"


def _section(title: str, rows: Sequence[Row]) -> str:
    lines = "".join(f"- {row.fault}: {row.remark}\n" for row in rows)
    return f"\n{title}\n\n{lines}" if rows else ""


def _seconds(value: float | None, limit: float = LIMIT_SECONDS) -> str:
    if value is None:
        return ""
    return f"{value:.1f} s" if value <= limit else f"**{value:.1f} s**"
