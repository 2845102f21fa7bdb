"""What a run saw of each fault, as JSON and as a page of the docs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

LIMIT_SECONDS = 10.0
# Docker's own pause before it starts a crashing container again is at most a minute, and verify waits as long.
GREEN_SECONDS = 90.0
_INTRODUCTION = """\
# Reliability

Every fault of the harness (`tests/faults/`) injected into a running environment of its own, one after the other, and
undone. *Red* is the time from the fault to the end of the first `pointsman verify` (or `status`) that exits with 1 and
names it; it has to be at most {limit:.0f} s. *Green* is the time from the undoing to the end of the first `verify` in
which nothing is red, at most {green:.0f} s. What is later is bold. `make reliability`
measures on your machine and writes this page.

Measured on {cores} cores ({machine}), with the environment's scrape interval at 1 s.
"""


@dataclass(frozen=True)
class Row:
    """One fault. Seconds; None where it was not seen, or does not apply. `remark` says why when it was not measured."""

    fault: str
    check: str = ""
    verify: float | None = None
    status: float | None = None
    green: float | None = None
    remark: str = ""


@dataclass
class Record:
    """The rows of one run, in the order in which they were measured; `soak` is the longest run without a fault."""

    rows: list[Row] = field(default_factory=list)
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
    return Record([Row(**row) for row in read["rows"]], read["soak_seconds"], read["soak_runs"])


def render(record: Record) -> str:
    """The page."""
    parts = [
        _INTRODUCTION.format(
            limit=LIMIT_SECONDS, green=GREEN_SECONDS, cores=os.cpu_count(), machine=platform.machine()
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
    return page


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
