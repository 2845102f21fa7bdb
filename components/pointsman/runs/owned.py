"""Makes a store of Pointsman's own, and adds a change counter to somebody else's database when asked to."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from pathlib import Path

import sqlalchemy as sa

from pointsman.errors import UnreachableError, UsageError
from pointsman.runs import schema
from pointsman.runs.mapping import Layout, Part, layout
from pointsman.runs.opening import WRITE_SECONDS, Place, only_existing, only_owned, opened, placed, transaction
from pointsman.runs.source import Identity
from pointsman.runs.triggers import Watched, postgres_statements, sqlite_statements
from pointsman.spec.runs import StoreSettings

# Of PostgreSQL's advisory locks: two that make the same store come one after the other.
_LOCK = 0x706F696E74736D
_FIRST_WITH_XID8 = (14,)  # xid8 is of 13, CREATE OR REPLACE TRIGGER of 14


def init(settings: StoreSettings | str, base: Path | None = None) -> Identity:
    """Make the store that settings (or an address alone) name, its folders and its identity; nothing where it is there.

    Without `estate_id` the store gets an id of its own. Raises UsageError where tables of that name are somebody
    else's, UnreachableError where it cannot be made.
    """
    place = placed(settings, base)
    only_owned(place, "init")
    _folders(place)
    with transaction(place, _let_readers_in) as connection:
        _alone(connection)
        _make(connection, place.settings.estate_id or uuid.uuid4().hex[:12])
    return _identity(place)


def migrate(settings: StoreSettings, base: Path | None = None) -> Identity:
    """Add a change counter and an identity to the database that settings and their mapping name; nothing where they are
    there. Its own tables stay as they are but for triggers.

    Raises UsageError without a mapping or where the database cannot have a counter, UnreachableError where it does not
    answer.
    """
    place = placed(settings, base)
    if place.mapping is None:
        raise UsageError(
            "a store of Pointsman's own counts changes already; only a database with a `mapping` is migrated",
            remedy="name the mapping, or leave it at `pointsman runs init`",
        )
    only_existing(place)
    with transaction(place) as connection:
        _alone(connection)
        found = layout(connection, place.mapping, to_count=True)
        where = found.runs.table.schema
        _count(connection, schema.ADDED_CHANGES, _watched(connection, found), where)
        metadata = sa.MetaData(schema=where)
        _identify(connection, schema.identity_table(schema.ADDED_IDENTITY, metadata), place.settings.estate_id)
    return _identity(place)


def _folders(place: Place) -> None:
    artifacts = place.artifacts.of("run", None)
    folders = [*([place.path.parent] if place.path else []), *([artifacts.parent] if artifacts else [])]
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnreachableError(
                f"the folder {folder} cannot be made: {error.strerror}",
                remedy="correct the store's url or its `artifacts`",
            ) from None


def _let_readers_in(place: Place) -> None:
    """WAL, which an SQLite file remembers; not within a transaction."""
    if place.path is not None:
        with contextlib.closing(sqlite3.connect(place.path, timeout=WRITE_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")


def _alone(connection: sa.Connection) -> None:
    """SQLite's transaction has the file for itself already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def _make(connection: sa.Connection, estate_id: str) -> None:
    inspector = sa.inspect(connection)
    if not inspector.has_table(schema.IDENTITY):
        foreign = [name for name in (*schema.owned.tables, schema.CHANGES) if inspector.has_table(name)]
        if foreign:
            raise UsageError(
                f"the database has tables that Pointsman did not make: {', '.join(foreign)}",
                remedy="write a mapping for them, or use another database",
            )
    schema.owned.create_all(connection)
    preparer = connection.dialect.identifier_preparer
    watched = [
        Watched(table.name, preparer.format_table(table), key)
        for table, key in ((schema.runs, "id"), (schema.steps, "run_id"))
    ]
    _count(connection, schema.CHANGES, watched, None)
    _identify(connection, schema.store_identity, estate_id)


def _count(connection: sa.Connection, changes: str, watched: list[Watched], where: str | None) -> None:
    preparer = connection.dialect.identifier_preparer
    if connection.dialect.name == "sqlite":
        statements = sqlite_statements(changes, watched)
    else:
        if (connection.dialect.server_version_info or (0,)) < _FIRST_WITH_XID8:
            raise UsageError(
                "the change counter needs PostgreSQL 14 or newer", remedy="read by updated_at, or upgrade it"
            )
        found = where or connection.scalar(sa.select(sa.func.current_schema()))
        statements = postgres_statements(preparer.quote(str(found)), changes, watched)
    for statement in statements:
        connection.exec_driver_sql(statement)


def _watched(connection: sa.Connection, found: Layout) -> list[Watched]:
    parts: list[tuple[str, Part, str]] = [("runs", found.runs, "id")]
    parts += [("steps", found.steps, "run_id")] if found.steps else []
    preparer, inspector = connection.dialect.identifier_preparer, sa.inspect(connection)
    for _, part, _ in parts:
        if part.table.name in inspector.get_view_names(part.table.schema):
            raise UsageError(
                f"{part.table_name} is a view, which can have no change counter",
                remedy="read it by its column updated_at, or map the tables that it is made of",
            )
    return [
        Watched(slug, preparer.format_table(part.table), preparer.quote(part.columns[key].name))
        for slug, part, key in parts
    ]


def _identify(connection: sa.Connection, table: sa.Table, estate_id: str | None) -> None:
    table.create(connection, checkfirst=True)
    if connection.execute(sa.select(table)).first() is None:
        row = {"estate_id": estate_id or uuid.uuid4().hex[:12], "schema_version": schema.VERSION}
        connection.execute(table.insert(), row)


def _identity(place: Place) -> Identity:
    source = opened(place.settings, place.base)
    try:
        return source.identity()
    finally:
        source.close()
