"""Runs that are made up, in a store of Pointsman's own: to see the monitor at work, at any scale."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pointsman.errors import UnreachableError
from pointsman.runs import schema
from pointsman.runs.model import FINAL, RunState
from pointsman.runs.opening import Place, only_existing, only_owned, placed, transaction
from pointsman.runs.owned import init
from pointsman.spec.runs import StoreSettings

PREFIX = "test"
"""What the ids of all that is made up begin with; how such a run goes comes next."""
BATCH = 1000
_Row = dict[str, Any]


class How(StrEnum):
    """How a run that is made up goes, as `advance` takes it on."""

    COMPLETING = "completing"
    FAILING = "failing"
    CANCELLING = "cancelling"
    STALLING = "stalling"
    """Its heart beats, but no step ever ends."""
    SILENT = "silent"
    """Nothing is heard of it after its start."""
    WAITING = "waiting"
    """For an approval that nobody gives."""
    QUEUED = "queued"
    """It never starts."""


_ENDS = {
    How.COMPLETING: RunState.COMPLETED,
    How.FAILING: RunState.FAILED,
    How.CANCELLING: RunState.CANCELLED,
}
_ACTIVE = [state for state in RunState if state not in FINAL]
_BEGINS = {How.WAITING: RunState.WAITING_FOR_APPROVAL, How.QUEUED: RunState.QUEUED}


def create(
    settings: StoreSettings | str,
    how: How,
    count: int = 1,
    *,
    steps: int = 4,
    kind: str = "test",
    age: timedelta = timedelta(0),
    base: Path | None = None,
) -> list[str]:
    """Make runs up and return their ids; the store is made where there is none.

    `age` is how long ago they began, and were last heard of. Where the settings have a template for artifacts each gets
    a folder with a file in it. Raises what `init` raises, and UsageError for a database that is not Pointsman's own.
    """
    place = placed(settings, base)
    only_owned(place, "a test")
    init(place.settings, place.base)
    began, batch = datetime.now(UTC) - age, uuid.uuid4().hex[:8]
    ids = [f"{PREFIX}-{how}-{batch}-{number}" for number in range(count)]
    for start in range(0, count, BATCH):
        part = ids[start : start + BATCH]
        with transaction(place) as connection:
            connection.execute(schema.runs.insert(), [_run(run_id, how, kind, began) for run_id in part])
            if steps:
                rows = [_step(run_id, how, number, began) for run_id in part for number in range(steps)]
                connection.execute(schema.steps.insert(), rows)
    for run_id in ids:
        _artifacts(place, run_id)
    return ids


def advance(settings: StoreSettings | str, most: int | None = None, base: Path | None = None) -> int:
    """Take the runs that are made up a step on, `most` of them, those first that have waited longest; how many it were.

    A step ends and the next begins; a run whose steps are done ends. What stalls beats its heart; what is silent, waits
    or is queued stays as it is.
    """
    place = placed(settings, base)
    only_owned(place, "a test")
    only_existing(place)
    now = datetime.now(UTC)
    with transaction(place) as connection:
        ids = _due(connection, most)
        for start in range(0, len(ids), BATCH):
            _advance(connection, ids[start : start + BATCH], now)
    return len(ids)


def cancel(settings: StoreSettings | str, kind: str, base: Path | None = None) -> int:
    """Cancel the runs of a kind that are made up and have not ended; how many it were."""
    place = placed(settings, base)
    only_owned(place, "a test")
    only_existing(place)
    now, runs = datetime.now(UTC), schema.runs
    mine = sa.and_(runs.c.kind == kind, runs.c.id.startswith(f"{PREFIX}-"), runs.c.state.in_(_ACTIVE))
    over = {"state": RunState.CANCELLED, "heartbeat_at": now, "finished_at": now, "updated_at": now}
    with transaction(place) as connection:
        return connection.execute(runs.update().where(mine).values(**over)).rowcount


def _run(run_id: str, how: How, kind: str, began: datetime) -> _Row:
    state = _BEGINS.get(how, RunState.RUNNING)
    started = None if state is RunState.QUEUED else began
    return {
        "id": run_id,
        "name": f"a test that is {how}" if how in (How.SILENT, How.QUEUED) else f"a test, {how}",
        "kind": kind,
        "state": state,
        "created_at": began,
        "started_at": started,
        "heartbeat_at": started,
        "updated_at": began,
    }


def _step(run_id: str, how: How, number: int, began: datetime) -> _Row:
    first = RunState.QUEUED if how is How.QUEUED else _BEGINS.get(how, RunState.RUNNING)
    return {
        "run_id": run_id,
        "position": number,
        "name": f"step {number + 1}",
        "kind": "agent" if number % 2 else "step",
        "state": first if number == 0 else RunState.QUEUED,
        "started_at": began if number == 0 and how is not How.QUEUED else None,
        "updated_at": began,
    }


def _artifacts(place: Place, run_id: str) -> None:
    folder = place.artifacts.of(run_id, None)
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "output.log").write_text(f"what {run_id} made\n", "utf-8")
    except OSError as error:
        raise UnreachableError(
            f"artifacts cannot be written to {folder}: {error.strerror}", remedy="check it"
        ) from None


def _due(connection: sa.Connection, most: int | None) -> Sequence[str]:
    runs = schema.runs.c
    going = sa.or_(*(runs.id.startswith(f"{PREFIX}-{how}-") for how in (*_ENDS, How.STALLING)))
    wanted = sa.select(runs.id).where(runs.state.in_(_ACTIVE), going).order_by(runs.updated_at, runs.id)
    return connection.scalars(wanted.limit(most)).all()


def _advance(connection: sa.Connection, ids: Sequence[str], now: datetime) -> None:
    left = _unfinished(connection, ids)
    beats, ends, begins, overs = list[_Row](), list[_Row](), list[_Row](), list[_Row]()
    for run_id in ids:
        how, todo = How(run_id.split("-")[1]), left.get(run_id, [])
        if how is How.STALLING:
            beats.append({"key": run_id, "now": now})
            continue
        over = len(todo) <= 1
        outcome = _ENDS[how] if over else RunState.COMPLETED
        result = {
            "key": run_id,
            "now": now,
            "to": outcome,
            "why": "it was to fail" * (outcome is RunState.FAILED) or None,
        }
        ends += [{**result, "place": place} for place in todo[:1]]
        begins += [{"key": run_id, "now": now, "place": place} for place in todo[1:2]]
        (overs if over else beats).append(result if over else {"key": run_id, "now": now})
    runs, steps, bound = schema.runs, schema.steps, sa.bindparam
    moment = bound("now", type_=schema.UtcTime)
    end: dict[str, Any] = {"state": bound("to"), "error": bound("why")}
    run, step = runs.c.id == bound("key"), sa.and_(steps.c.run_id == bound("key"), steps.c.position == bound("place"))
    for statement, rows in (
        (steps.update().where(step).values(**end, finished_at=moment, updated_at=moment), ends),
        (steps.update().where(step).values(state=RunState.RUNNING, started_at=moment, updated_at=moment), begins),
        (runs.update().where(run).values(heartbeat_at=moment, updated_at=moment), beats),
        (runs.update().where(run).values(**end, heartbeat_at=moment, finished_at=moment, updated_at=moment), overs),
    ):
        if rows:
            connection.execute(statement, rows)


def _unfinished(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[int]]:
    """The positions of the steps that are still to end, of each run, in their order."""
    steps, left = schema.steps.c, dict[str, list[int]]()
    wanted = sa.select(steps.run_id, steps.position).where(steps.run_id.in_(ids), steps.state.in_(_ACTIVE))
    for row in connection.execute(wanted.order_by(steps.run_id, steps.position)):
        left.setdefault(row.run_id, []).append(row.position)
    return left
