"""Version 1 of the store that Pointsman owns: `runs`, `steps`, `store_identity`, `changes`.

Times are UTC: text such as `2026-05-01T09:30:00.000000Z` in SQLite, `timestamptz` in PostgreSQL.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from pointsman.runs.model import RunState

VERSION = 1
IDENTITY = "store_identity"
CHANGES = "changes"
# In somebody else's database, what Pointsman adds tells whose it is.
ADDED_IDENTITY = "pointsman_identity"
ADDED_CHANGES = "pointsman_changes"

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class UtcTime(sa.types.TypeDecorator[datetime]):
    """A point in time with its zone: text of a fixed width in SQLite, so that it sorts, `timestamptz` elsewhere."""

    impl = sa.TIMESTAMP(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        """Text where the database has no type for times."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.TIMESTAMP(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """The time as the database keeps it."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).strftime(TIME_FORMAT)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """The time as Python knows it, in UTC."""
        if value is None:
            return None
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


def _state_is_known() -> sa.CheckConstraint:
    return sa.CheckConstraint(f"state IN ({', '.join(repr(str(state)) for state in RunState)})", name="state_is_known")


owned = sa.MetaData()

runs = sa.Table(
    "runs",
    owned,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("finished_at", UtcTime),
    sa.Column("heartbeat_at", UtcTime),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Column("artifacts", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("url", sa.Text),
    sa.Column("trace_id", sa.Text),
    _state_is_known(),
    sa.Index("runs_by_state", "state"),
    sa.Index("runs_by_update", "updated_at", "id"),
)

steps = sa.Table(
    "steps",
    owned,
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, server_default="step"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("finished_at", UtcTime),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Column("error", sa.Text),
    _state_is_known(),
)


def identity_table(name: str, metadata: sa.MetaData) -> sa.Table:
    """The table of one row that proves which store answers."""
    return sa.Table(
        name,
        metadata,
        sa.Column("estate_id", sa.Text, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
    )


store_identity = identity_table(IDENTITY, owned)
