"""Stores of both kinds: an SQLite file in the test's folder, and a database of a PostgreSQL that the session shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pointsman.runs import owned, schema
from pointsman.runs.database import DatabaseSource
from pointsman.runs.opening import opened, placed, writing
from pointsman.spec.runs import StoreSettings
from tests.postgres import Server

KINDS = ("sqlite", "postgresql")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Store:
    """A database and one who writes to it."""

    settings: StoreSettings
    base: Path
    cleanup: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        place = placed(self.settings, self.base)
        self.engine = writing(place)
        if place.address is not None:
            # A program that writes keeps its connection: to log in takes longer than all else.
            address = place.address
            self.engine = sa.create_engine("postgresql+psycopg://", creator=lambda: address.connect({}))
        self.cleanup.callback(self.engine.dispose)

    def source(self, **more: Any) -> DatabaseSource:
        """A new source of it."""
        source = opened(self.settings.model_copy(update=more), self.base)
        self.cleanup.callback(source.close)
        return source

    def run(self, run_id: str, state: str = "running", *, at: datetime | None = None, **more: Any) -> None:
        """Write a run, over the one of that id if there is one; as of now, or of another time."""
        row = {"name": f"run {run_id}", "kind": "deploy", "created_at": LONG_AGO, "state": state}
        row |= {"updated_at": at or datetime.now(UTC), **more}
        with self.engine.begin() as connection:
            changed = connection.execute(schema.runs.update().where(schema.runs.c.id == run_id).values(**row))
            if not changed.rowcount:
                connection.execute(schema.runs.insert().values(id=run_id, **row))

    def step(self, run_id: str, position: int, state: str, *, at: datetime | None = None, **more: Any) -> None:
        """Write a step as `run` does."""
        steps, row = schema.steps, {"state": state, "updated_at": at or datetime.now(UTC), **more}
        with self.engine.begin() as connection:
            one = sa.and_(steps.c.run_id == run_id, steps.c.position == position)
            if not connection.execute(steps.update().where(one).values(**row)).rowcount:
                whole = {"run_id": run_id, "position": position, "name": f"step {position}", **row}
                connection.execute(steps.insert().values(**whole))

    def delete(self, run_id: str) -> None:
        """Delete a run and its steps."""
        with self.engine.begin() as connection:
            connection.execute(schema.runs.delete().where(schema.runs.c.id == run_id))

    def execute(self, *statements: str) -> None:
        """Run statements, each in a transaction of its own."""
        for statement in statements:
            with self.engine.begin() as connection:
                connection.exec_driver_sql(statement)


def ago(**what: float) -> datetime:
    """A time before now."""
    return datetime.now(UTC) - timedelta(**what)


@pytest.fixture
def new_store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Store]]:
    """Makes stores on empty databases: by kind, with more settings."""
    with ExitStack() as cleanup:

        def make(kind: str, **more: Any) -> Store:
            if kind == "sqlite":
                return Store(StoreSettings(url="sqlite:///.state/runs.db", **more), tmp_path, cleanup)
            running: Server = request.getfixturevalue("server")
            return Store(running.database().settings(**more), tmp_path, cleanup)

        yield make


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, new_store: Callable[..., Store]) -> Store:
    """An empty database of each kind."""
    return new_store(request.param)


@pytest.fixture
def store(empty: Store) -> Store:
    """A store of Pointsman's own, of each kind."""
    owned.init(empty.settings, empty.base)
    return empty
