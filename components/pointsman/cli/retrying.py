"""Has what was given up tried again: in the journal of this machine, or by the program in the monitor's container."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pointsman.cli.watched import Watched, local
from pointsman.errors import UnreachableError, UsageError


def retry(watched: Watched, handler: str, events: Sequence[str]) -> int:
    """How many deliveries will be made again, of one handler or all, of some events or all.

    Raises UsageError where no monitor has run, UnreachableError where its container does not answer.
    """
    if watched.environment:
        return _in_its_container(watched.environment, handler, events)
    from pointsman.monitor.letters import Letters

    with local(watched.settings) as here:
        if here.journal is None:
            raise UsageError("no monitor has run here yet: there are no dead letters", remedy="pointsman monitor run")
        return Letters(here.journal).retry(datetime.now(UTC).timestamp(), handler, events)


def _in_its_container(environment: str, handler: str, events: Sequence[str]) -> int:
    from pointsman.services import run_monitor
    from pointsman.targets.docker import names
    from pointsman.targets.docker.engine import connect, run_inside

    words = [*run_monitor.COMMAND, "--retry"]
    words += ["--handler", handler] if handler else []
    words += [word for each in events for word in ("--event", each)]
    container = names.container(environment, run_monitor.NAME)
    with connect() as client:
        code, said = run_inside(client, container, words)
    if code:
        raise UnreachableError(f"{container}: {said.strip()}", remedy=f"pointsman verify --env {environment}")
    return int(said)
