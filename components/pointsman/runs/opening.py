"""Opens what a store's settings name: as a source to read, or, for a store of Pointsman's own, to write."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from pointsman.errors import UnreachableError, UsageError
from pointsman.runs.database import DatabaseSource, Wanted
from pointsman.runs.mapping import read_mapping
from pointsman.runs.postgres import Address, PostgresSource
from pointsman.runs.rows import Artifacts
from pointsman.runs.sqlite import SqliteSource
from pointsman.spec.runs import StoreMapping, StoreSettings

_SQLITE = "sqlite:///"
WRITE_SECONDS = 10.0


@dataclass(frozen=True)
class Place:
    """A store's settings with every path absolute. `path` is the file of SQLite, `address` that of PostgreSQL."""

    settings: StoreSettings
    path: Path | None
    address: Address | None
    mapping: StoreMapping | None
    artifacts: Artifacts
    base: Path


def opened(settings: StoreSettings, base: Path | None = None) -> DatabaseSource:
    """The source that settings name; nothing is connected yet. `base` is what relative paths begin at, the working
    directory without it. Raises UsageError for a mapping that cannot be used."""
    place = placed(settings, base)
    wanted = Wanted(place.mapping, settings.estate_id, place.artifacts)
    if place.path is not None:
        return SqliteSource(place.path, wanted)
    assert place.address is not None
    return PostgresSource(place.address, wanted)


def placed(settings: StoreSettings | str, base: Path | None = None) -> Place:
    """Where settings, or an address alone, lead. Raises UsageError for a mapping that cannot be used."""
    told = StoreSettings(url=settings) if isinstance(settings, str) else settings
    root = Path(os.path.abspath(base or Path.cwd()))  # noqa: PTH100  a link stays one
    path = address = None
    if told.url.startswith(_SQLITE):
        path = Path(os.path.abspath(root / told.url.removeprefix(_SQLITE)))  # noqa: PTH100
    else:
        address = Address(told.url, Path(told.password_file).expanduser() if told.password_file else None)
    mapping = read_mapping(root / told.mapping) if told.mapping else None
    return Place(told, path, address, mapping, Artifacts(told.artifacts, root), root)


def writing(place: Place) -> sa.Engine:
    """An engine that writes, each transaction from its beginning on: for stores of Pointsman's own, and for adding a
    change counter to another. Raises UsageError for an SQLite file that cannot be made."""
    if place.address is not None:
        settings = {"lock_timeout": "5000", "statement_timeout": "60000"}
        address = place.address
        return sa.create_engine(
            "postgresql+psycopg://", creator=lambda: address.connect(settings), poolclass=sa.NullPool
        )
    assert place.path is not None
    engine = sa.create_engine(
        f"{_SQLITE}{place.path}",
        connect_args={"timeout": WRITE_SECONDS, "isolation_level": None},
        poolclass=sa.NullPool,
    )
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    sa.event.listen(engine, "connect", lambda connection, record: connection.execute("PRAGMA foreign_keys = 1"))
    return engine


@contextlib.contextmanager
def transaction(place: Place, before: Callable[[Place], None] = lambda place: None) -> Iterator[sa.Connection]:
    """One that writes; `before` is called first, outside of it. Raises UnreachableError where the database does not
    answer or cannot be written, UsageError where it has another schema."""
    try:
        before(place)
        with writing(place).begin() as connection:
            yield connection
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        said = " ".join(str(getattr(error, "orig", error)).split())
        message = f"the store {place.address.shown if place.address else place.path} cannot be written: {said}"
        if isinstance(error, sa.exc.ProgrammingError) or "no such" in said:
            raise UsageError(message, remedy="`pointsman runs init` makes a store") from None
        raise UnreachableError(message, remedy="check its address, its disk and the rights of who writes") from None


def only_existing(place: Place) -> None:
    """Raises UsageError where an SQLite file would be made by writing to it."""
    if place.path is not None and not place.path.is_file():
        raise UsageError(
            f"there is no {place.path}", remedy="`pointsman runs init` makes a store; else correct the url"
        )


def only_owned(place: Place, what: str) -> None:
    """Raises UsageError where a mapping says that the database is somebody else's."""
    if place.mapping is not None:
        raise UsageError(
            f"{what} would write to the tables of {place.settings.url}, which `mapping` says are not Pointsman's",
            remedy="use a store that `pointsman runs init` made, without `mapping`",
        )
