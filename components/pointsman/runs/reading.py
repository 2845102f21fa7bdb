"""Reading runs from any SQL database: what SQLite and PostgreSQL have in common. Nothing here ever writes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from pointsman.runs.following import Following, Found, Position, decoded
from pointsman.runs.mapping import Layout, Part
from pointsman.runs.model import FINAL, Run, RunState, Step
from pointsman.runs.rows import Artifacts, raw_time, run_of, step_of, time_of
from pointsman.runs.source import Changes, Page

LATELY = timedelta(hours=1)
"""How far back what ended counts for a reader that begins."""
BATCH = 500
"""Ids in one statement: SQLite takes 32,766 parameters, and a short read lets writers in between."""
Summary = tuple[int, int, int, Any]
"""Of a run's steps: how many there are, are completed, failed, and when one changed last."""
NO_STEPS: Summary = (0, 0, 0, None)
_ACTIVE = tuple(state for state in RunState if state not in FINAL)


class Reader:
    """Statements over a layout, made once. `following` finds changes; `store` is whose they are, for the cursor."""

    def __init__(
        self, layout: Layout, following: Following, artifacts: Artifacts, store: str, now: Callable[[], datetime]
    ) -> None:
        self._layout, self._following, self._artifacts = layout, following, artifacts
        self._store, self._now = store, now
        runs = layout.runs
        selected = [column.label(key) for key, column in runs.columns.items()]
        self._runs = sa.select(*selected, *(each.label(f"label_{key}") for key, each in runs.labels.items()))
        self._by_id = self._runs.where(runs.columns["id"].in_(sa.bindparam("ids", expanding=True)))
        self._there = sa.select(runs.columns["id"]).where(runs.columns["id"].in_(sa.bindparam("ids", expanding=True)))
        self._steps = _summary(layout.steps) if layout.steps else None
        self._queue: list[Any] = []
        self._then: Position = {}
        self._told = ""
        # As rows were read last and are read in the look at hand: what is read again and is as it was, is no change.
        self._recent: dict[str, Any] = {}
        self._fresh: dict[str, Any] = {}

    def changes(self, connection: sa.Connection, cursor: str, limit: int) -> Changes:
        """What changed since a cursor; one that is empty, or not of this store, begins anew."""
        if cursor != self._told:
            # Not the reader that went on: what it was given last may be lost.
            self._queue, self._recent, self._fresh = [], {}, {}
        position = self._position(cursor)
        if not self._queue:
            found = self._found(connection, position, limit)
            if not found.again:
                return self._changes(connection, found.ids, found.position, found.more)
            self._queue, self._then = list(found.ids), found.position
        ids, self._queue = dict.fromkeys(self._queue[:limit]), self._queue[limit:]
        if self._queue:
            return self._changes(connection, ids, {**position, "left": len(self._queue)}, True)
        return self._changes(connection, ids, self._then, False)

    def there(self, connection: sa.Connection, run_ids: Collection[str]) -> frozenset[str]:
        """Which of them there are."""
        raw = [each for run_id in run_ids if (each := self._raw(run_id)) is not None]
        found = (connection.scalars(self._there, {"ids": batch}) for batch in _batches(raw))
        return frozenset(str(run_id) for rows in found for run_id in rows)

    def run(self, connection: sa.Connection, run_id: str) -> Run | None:
        """One run; None where there is none, or its row is half written."""
        raw = self._raw(run_id)
        runs, _ = self._read(connection, {raw: None} if raw is not None else {})
        return runs[0] if runs else None

    def steps(self, connection: sa.Connection, run_id: str) -> tuple[Step, ...]:
        """The steps of a run in their order; one that is half written is left out."""
        part, raw = self._layout.steps, self._raw(run_id)
        if part is None or raw is None:
            return ()
        order = [part.columns[key] for key in ("position", "started_at", "name") if key in part.columns]
        wanted = sa.select(*(column.label(key) for key, column in part.columns.items()))
        rows = connection.execute(wanted.where(part.columns["run_id"] == raw).order_by(*order)).mappings()
        steps = []
        for place, row in enumerate(rows):
            with contextlib.suppress(ValueError):
                steps.append(step_of(dict(row), part, self._layout.unit, place))
        return tuple(steps)

    def runs(self, connection: sa.Connection, page: Page) -> list[Run]:
        """A page of runs, newest change first; `before` is the id of the last run of the page before."""
        part = self._layout.runs
        columns, identity = part.columns, part.columns["id"]
        order = next((columns[key] for key in ("updated_at", "created_at", "started_at") if key in columns), identity)
        wanted = sa.select(identity).order_by(order.desc(), identity.desc()).limit(page.limit)
        if page.states:
            wanted = wanted.where(columns["state"].in_(part.words(*page.states)))
        if page.kind and "kind" in columns:
            wanted = wanted.where(columns["kind"] == page.kind)
        if page.before:
            last = connection.execute(sa.select(order, identity).where(identity == self._raw(page.before))).first()
            if last is None:
                return []
            wanted = wanted.where(sa.or_(order < last[0], sa.and_(order == last[0], identity < last[1])))
        ids = list(connection.scalars(wanted))
        found = {run.id: run for run in self._read(connection, dict.fromkeys(ids))[0]}
        return [found[str(run_id)] for run_id in ids if str(run_id) in found]

    def _position(self, cursor: str) -> Position:
        """What a cursor says; one of another store, way or version is that of a reader that begins."""
        try:
            position = json.loads(cursor) if cursor else {}
        except ValueError:
            position = {}
        way = self._following.way
        ours = isinstance(position, dict) and position.get("store") == self._store and position.keys() & {"begin", way}
        return position if ours else {"begin": (self._now() - LATELY).isoformat()}

    def _found(self, connection: sa.Connection, position: Position, limit: int) -> Found:
        way, since = self._following.way, position.get("begin")
        if since is None:
            found = self._following.after(connection, position[way], limit)
            if found is not None:
                return Found(found.ids, {way: found.position}, found.more, found.again)
            # Away for longer than changes are kept, or the database was restored: what ended meanwhile counts, too.
            last = time_of(position[way].get("at"))
            since = min(self._now(), last or self._now()) - LATELY
        now = self._following.now(connection)
        return Found(self._beginning(connection, time_of(since)), {way: now}, False, again=True)

    def _beginning(self, connection: sa.Connection, since: datetime | None) -> Mapping[Any, None]:
        """The ids of all that run and of what ended since then, oldest change first."""
        part = self._layout.runs
        identity, state = part.columns["id"], part.columns["state"]
        changed = next((part.columns[key] for key in ("updated_at", "finished_at") if key in part.columns), None)
        order = changed if changed is not None else identity
        wanted = sa.select(identity, order.label("changed")).where(state.in_(part.words(*_ACTIVE)))
        rows = {row[0]: row[1] for row in connection.execute(wanted)}
        if changed is not None and since:
            newest = connection.scalar(sa.select(sa.func.max(changed)))
            late = sa.select(identity, changed).where(changed >= raw_time(since, newest, self._layout.unit))
            rows |= {row[0]: row[1] for row in connection.execute(late)} if newest is not None else {}
        return dict.fromkeys(sorted(rows, key=lambda run_id: decoded(rows[run_id], self._layout.unit)))

    def _changes(self, connection: sa.Connection, ids: Mapping[Any, Any], position: Position, more: bool) -> Changes:
        twice = self._following.way == "time"
        runs, malformed = self._read(connection, ids, self._recent if twice else {}, self._fresh if twice else None)
        if not more:
            self._recent, self._fresh = self._fresh, {}
        self._told = json.dumps({"store": self._store, **position}, separators=(",", ":"))
        return Changes(tuple(runs), self._told, more, tuple(malformed))

    def _read(
        self,
        connection: sa.Connection,
        ids: Mapping[Any, Any],
        known: Mapping[str, Any] = MappingProxyType({}),
        fresh: dict[str, Any] | None = None,
    ) -> tuple[list[Run], list[tuple[str, str]]]:
        """Runs in the order of `ids`, and those that are half written; what is as in `known` is left out. `fresh` takes
        what was read."""
        rows, steps = self._rows(connection, ids)
        part, counted = self._layout.runs, "updated_at" not in self._layout.runs.columns
        runs, malformed = [], []
        for key, at in ((str(run_id), at) for run_id, at in ids.items()):
            if (row := rows.get(key)) is None:
                continue
            summary = steps.get(key, NO_STEPS)
            if fresh is not None:
                fresh[key] = (tuple(row.values()), summary)
                if known.get(key) == fresh[key]:
                    continue
            try:
                whole = {**row, "changed_at": at} if counted else row
                runs.append(run_of(whole, summary, part, self._layout.unit, self._artifacts))
            except ValueError as error:
                malformed.append((key, str(error)))
        return runs, malformed

    def _rows(self, connection: sa.Connection, ids: Iterable[Any]) -> tuple[dict[str, Any], dict[str, Summary]]:
        """The rows of runs and what their steps come to, by id; of what is gone there is none."""
        rows: dict[str, Any] = {}
        steps: dict[str, Summary] = {}
        for batch in _batches([raw for run_id in ids if (raw := self._raw(str(run_id))) is not None]):
            rows |= {str(row["id"]): row for row in connection.execute(self._by_id, {"ids": batch}).mappings()}
            if self._steps is not None:
                summaries = connection.execute(self._steps, {"ids": batch})
                steps |= {str(row[0]): (row[1], row[2], row[3], row[4]) for row in summaries}
        return rows, steps

    def _raw(self, run_id: str) -> Any:
        """An id as the column has it; None for what cannot be one: no text of PostgreSQL holds the character 0."""
        try:
            return None if "\0" in run_id else self._layout.runs.id_of(run_id)
        except ValueError:
            return None


def _summary(part: Part) -> sa.Select[Any]:
    """How many steps each run has, are completed, failed, and when one changed last."""
    columns = part.columns
    done, failed = (
        sa.func.sum(sa.case((columns["state"].in_(part.words(state)), 1), else_=0))
        for state in (RunState.COMPLETED, RunState.FAILED)
    )
    last = sa.func.max(columns["updated_at"]) if "updated_at" in columns else sa.null()
    wanted = sa.select(columns["run_id"], sa.func.count(), done, failed, last)
    return wanted.where(columns["run_id"].in_(sa.bindparam("ids", expanding=True))).group_by(columns["run_id"])


def _batches(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
