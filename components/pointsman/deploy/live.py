"""The live tree of an update: what is done, what is under way and for how long."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pointsman.deploy.events import Run, State, Step

_MARKS = {State.RUNNING: ("…", "cyan"), State.DONE: ("✓", "green"), State.FAILED: ("✗", "red")}
# A log that nobody watches gets what a resource does this often, in seconds.
DOING_SECONDS = 15.0
_WORDS = {"create": "created", "update": "updated", "create-replacement": "replaced", "delete": "deleted"}


class Display:
    """Shows the steps of a run: a live tree on a terminal, a line for each change elsewhere."""

    def __init__(self, console: Console, run: Run) -> None:
        """`run` is read at each refresh; nothing is kept twice."""
        self._console = console
        self._run = run
        self._live: Live | None = None
        self._told: dict[str, float] = {}

    def __enter__(self) -> Display:
        """Begins to draw."""
        if self._console.is_terminal:
            self._live = Live(get_renderable=self.tree, console=self._console, refresh_per_second=8)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the last picture standing."""
        if self._live:
            self._live.stop()

    def tell(self, step: Step) -> None:
        """Says that a step ended, where no live tree does; of one that takes long, what it does from time to time."""
        if self._live is not None or not _shown(step):
            return
        if step.finishes:
            self._console.print(line(step, step.ended), highlight=False)
        elif step.doing and time.time() - self._told.get(step.urn, step.started) >= DOING_SECONDS:
            self._told[step.urn] = time.time()
            self._console.print(line(step, time.time()), highlight=False)

    def tree(self) -> Group:
        """The resources that change, below the component that each belongs to."""
        parents: dict[str, list[Step]] = {}
        for step in self._run.steps.values():
            if _shown(step):
                parents.setdefault(_parent(step.urn), []).append(step)
        rows: list[Text] = []
        for parent, steps in parents.items():
            if parent:
                rows.append(Text(parent, style="bold"))
            rows += [Text("  ").append_text(line(step, time.time())) for step in steps]
        looked = sum(1 for step in self._run.steps.values() if not step.changes)
        if looked:
            rows.append(Text(f"{looked} looked at, unchanged", style="dim"))
        return Group(*rows)


def _shown(step: Step) -> bool:
    """Whether a step is worth a line: what changes, without components and providers, which are only names."""
    return step.changes and step.custom and (step.finishes or step.state is State.RUNNING)


def line(step: Step, now: float) -> Text:
    """One resource: mark, name, kind, what is done to it, seconds, and while it is, in its provider's words."""
    mark, style = _MARKS[step.state]
    word = {
        State.RUNNING: step.op,
        State.DONE: _WORDS.get(step.op, step.op),
        State.FAILED: f"{step.op} failed",
    }[step.state]
    if step.retained and step.op == "delete" and step.state is State.DONE:
        word = "kept"
    seconds = max(0.0, (step.ended or now) - step.started)
    kind = (f"{step.type:<13} ", "dim")
    doing = f"  {step.doing}" if step.doing and step.state is State.RUNNING else ""
    text = Text.assemble((f"{mark} ", style), f"{step.name:<23} ", kind, f"{word} {seconds:.0f}s", (doing, "dim"))
    # One line each, however much is said.
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _parent(urn: str) -> str:
    """The type of the component that a resource belongs to, empty for one of the stack's own."""
    above = urn.split("::")[2].rpartition("$")[0]
    return above.rpartition(":")[2]
