"""Runs for people: tables with progress and colours, and a list that follows them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pointsman.cli.output import Output, err, escaped, out, show_rows

Record = Mapping[str, Any]
ENDLESS: Final = frozenset({"stalling", "silent", "waiting", "queued"})
"""What is made up and never ends, however often it is taken on."""
_STYLES: Final = {
    "queued": "dim",
    "running": "blue",
    "waiting_for_approval": "yellow",
    "completed": "green",
    "failed": "red",
    "cancelled": "magenta",
}


def runs(found: Sequence[Record]) -> RenderableType:
    """A table of runs."""
    if not found:
        return Text("no runs", style="dim")
    shown = _table("run", "name", "kind", "state", "steps", "progress", "ran for", "error")
    for run in found:
        shown.add_row(
            escaped(run["id"]),
            escaped(run["name"]),
            escaped(run["kind"]),
            _state(run),
            f"{run['steps_done']}/{run['steps_total']}" if run["steps_total"] else "",
            _progress(run),
            _span(run["seconds"]),
            escaped(run["error"].partition("\n")[0][:80]),
        )
    return shown


def one(run: Record) -> RenderableType:
    """A run with its steps, what was told, and what handlers said."""
    head = Table(box=None, pad_edge=False, show_header=False)
    for key in ("id", "name", "kind", "source", "attempt", "created_at", "started_at", "finished_at", "url", "error"):
        if run[key]:
            head.add_row(f"[dim]{key.removesuffix('_at')}[/dim]", escaped(str(run[key])))
    head.add_row("[dim]state[/dim]", _state(run))
    steps = _table("step", "kind", "state", "took", "error")
    for step in run["steps"]:
        steps.add_row(
            escaped(step["name"]), step["kind"], _word(step["state"]), _span(step["seconds"]), escaped(step["error"])
        )
    told = _table("at", "event", "handler", "state", "said")
    for event in run["events"]:
        told.add_row(event["at"], event["event"], "", "", escaped(event["reason"]))
        for each in event["handlers"]:
            told.add_row("", "", each["handler"], each["state"], escaped(each["error"] or each["note"]))
    parts: list[RenderableType] = [head]
    for rows, shown in ((run["steps"], steps), (run["events"], told)):
        parts += [Text(), shown] if rows else []
    return Group(*parts)


def watch(look: Callable[[], list[dict[str, Any]]], interval: float, output: Output) -> None:
    """Shows what `look` finds until Ctrl-C: in place on a terminal, else each look below the one before."""
    try:
        if output is Output.JSON or not out.is_terminal:
            while True:
                show_rows("runs", look(), output) if output is Output.JSON else out.print(runs(look()), Text())
                time.sleep(interval)
        with Live(runs(look()), console=out, auto_refresh=False) as live:
            while True:
                time.sleep(interval)
                live.update(runs(look()), refresh=True)
    except KeyboardInterrupt:
        return


def advance(take_on: Callable[[], int], steps: int, interval: float) -> None:
    """Takes runs on until they have ended, which is when each of their steps has."""
    for _ in range(max(1, steps)):
        time.sleep(interval)
        err.print(f"{take_on()} runs went a step on")


def _table(*columns: str) -> Table:
    shown = Table(box=None, pad_edge=False)
    for index, column in enumerate(columns):
        shown.add_column(column, overflow="fold", no_wrap=index == 0)
    return shown


def _state(run: Record) -> str:
    stalls = "".join(f" [red]{stall.replace('_', ' ')}[/red]" for stall in run["stalls"])
    return f"{_word(run['state'])}{stalls}"


def _word(state: str) -> str:
    style = _STYLES.get(state, "")
    return f"[{style}]{state.replace('_', ' ')}[/{style}]" if style else escaped(state)


def _progress(run: Record) -> RenderableType:
    return ProgressBar(run["steps_total"], run["steps_done"], width=12) if run["steps_total"] else ""


def _span(seconds: float | None) -> str:
    from pointsman.monitor.handlers.markup import duration

    return "" if seconds is None else duration(seconds)
