"""Where a database has what Pointsman knows of runs: its tables, columns, words for states; checked against what is
there."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import sqlalchemy as sa
import yaml
from pydantic import ValidationError
from sqlalchemy.sql.expression import ColumnElement, TableClause

from pointsman.errors import UsageError
from pointsman.runs import schema
from pointsman.runs.model import RunState
from pointsman.spec.mistakes import key_path, shown
from pointsman.spec.runs import RunKey, RunsTable, StepKey, StepsTable, StoreMapping
from pointsman.spec.scalars import duration_seconds

_NEEDED = {"runs": ("id", "state"), "steps": ("run_id", "name", "state")}


@dataclass(frozen=True)
class Part:
    """A table as it is there. `columns` maps our names to its columns, those alone that it has.

    `states` maps its words to ours; `table_name` is as in the mapping, `id_of` makes a column's value of an id's text.
    """

    table_name: str
    table: TableClause
    columns: Mapping[str, ColumnElement[Any]]
    states: Mapping[str, RunState]
    id_of: Callable[[str], Any]
    indexed: frozenset[str]
    labels: Mapping[str, ColumnElement[Any]]

    def words(self, *states: RunState) -> list[str]:
        """The database's own words for states."""
        return [word for word, state in self.states.items() if state in states]


@dataclass(frozen=True)
class Layout:
    """A database as it is there. `changes` is the table of the change counter, `identity` that of the proof; None where
    there is none. `overlap` is in seconds; `unit` how many of a number of times make a second."""

    runs: Part
    steps: Part | None
    changes: TableClause | None
    identity: TableClause | None
    unit: int = 1
    overlap: float = 2.0
    owned: bool = False


def read_mapping(path: Path) -> StoreMapping:
    """A mapping's file. Raises UsageError with all that is wrong in it."""
    try:
        text = path.read_text("utf-8")
        return StoreMapping.model_validate(yaml.safe_load(text) or {})
    except ValidationError as error:
        mistakes = "\n".join(
            f"{path}  {key_path(each['loc'])}  {shown(str(each['input']))}: {each['msg']}" for each in error.errors()
        )
        raise UsageError(f"{path} is no mapping of a runs store", detail=mistakes, remedy="correct it") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {error}", remedy="correct it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", remedy="correct `mapping` of the store") from None


def layout(connection: sa.Connection, mapping: StoreMapping | None, *, to_count: bool = False) -> Layout:
    """What is there of a mapping, or of Pointsman's own schema without one; `to_count` is for one that is about to get
    a change counter.

    Raises UsageError that names every table and column that is missing.
    """
    inspector = sa.inspect(connection)
    told = mapping or StoreMapping(steps=StepsTable())
    missing: list[str] = []
    whole = mapping is None
    runs = _part(inspector, "runs", told.runs, get_args(RunKey), whole, missing)
    steps = _part(inspector, "steps", told.steps, get_args(StepKey), whole, missing) if told.steps else None
    where, _ = _split(told.runs.table)
    changes, identity = (schema.CHANGES, schema.IDENTITY) if whole else (schema.ADDED_CHANGES, schema.ADDED_IDENTITY)
    there = {name for name in (changes, identity) if inspector.has_table(name, schema=where)}
    if whole:
        missing += [f"there is no table {name}" for name in (identity, changes) if name not in there]
    if not missing and runs and "updated_at" not in runs.columns and changes not in there and not to_count:
        missing.append(
            f"table {told.runs.table} has no column updated_at, and there is no change counter either: "
            "one of them is needed"
        )
    if missing or runs is None:
        raise _unfit(missing, whole)
    return Layout(
        runs,
        steps,
        sa.table(changes, *map(sa.column, ("seq", "run_id", "xact", "at")), schema=where) if changes in there else None,
        sa.table(identity, *map(sa.column, ("estate_id", "schema_version")), schema=where)
        if identity in there
        else None,
        unit=1000 if told.numbers == "milliseconds" else 1,
        overlap=duration_seconds(told.overlap),
        owned=whole,
    )


def _part(
    inspector: sa.Inspector,
    key: str,
    told: RunsTable | StepsTable,
    known: tuple[str, ...],
    whole: bool,
    missing: list[str],
) -> Part | None:
    where, name = _split(told.table)
    try:
        types = {column["name"]: column["type"] for column in inspector.get_columns(name, schema=where)}
    except sa.exc.NoSuchTableError:
        missing.append(f"there is no table {told.table}")
        return None
    named: Mapping[Any, str | None] = told.columns
    columns: dict[str, ColumnElement[Any]] = {}
    for ours in known:
        theirs = named.get(ours, ours)
        if theirs in types:
            columns[ours] = sa.column(theirs)
        elif whole or ours in _NEEDED[key] or (ours in named and theirs is not None):
            because = f", which the mapping names for {ours}" if ours in named else ""
            there = f"; it has {', '.join(sorted(types))}"
            missing.append(f"table {told.table} has no column {theirs or ours}{because}{there}")
    labels = told.labels if isinstance(told, RunsTable) else {}
    missing += [
        f"table {told.table} has no column {column}, which the mapping names for the label {label}"
        for label, column in labels.items()
        if column not in types
    ]
    if not set(_NEEDED[key]) <= columns.keys() or not set(labels.values()) <= types.keys():
        return None
    table = sa.table(name, *(sa.column(each) for each in types), schema=where)
    bound = {ours: _readable(table.c[column.name], types[column.name]) for ours, column in columns.items()}
    identity = types[columns[_NEEDED[key][0]].name]
    states = {
        **{str(state): state for state in RunState},
        **{word: RunState(ours) for word, ours in told.states.items()},
    }
    indexed = _indexed(inspector, name, where, columns)
    known_labels = {label: table.c[column] for label, column in labels.items()}
    return Part(told.table, table, bound, states, _id_of(identity), indexed, known_labels)


def _readable(column: ColumnElement[Any], type_: sa.types.TypeEngine[Any]) -> ColumnElement[Any]:
    """A PostgreSQL enum compares with its own words alone: as text it takes any."""
    return sa.cast(column, sa.Text) if isinstance(type_, sa.Enum) else column


def _id_of(type_: sa.types.TypeEngine[Any]) -> Callable[[str], Any]:
    if isinstance(type_, sa.Integer):
        return _whole
    return uuid.UUID if isinstance(type_, sa.Uuid) else str


def _whole(text: str) -> int:
    value = int(text)
    if abs(value) >= 2**63:
        raise ValueError(f"{value} is beyond all integers of databases")
    return value


def _indexed(
    inspector: sa.Inspector, name: str, where: str | None, columns: Mapping[str, ColumnElement[Any]]
) -> frozenset[str]:
    """Our names of the columns that an index begins with."""
    first = {each["column_names"][0] for each in inspector.get_indexes(name, schema=where) if each["column_names"]}
    first |= set(inspector.get_pk_constraint(name, schema=where)["constrained_columns"][:1])
    return frozenset(ours for ours, column in columns.items() if column.name in first)


def _split(table: str) -> tuple[str | None, str]:
    where, dot, name = table.rpartition(".")
    return (where if dot else None), name


def _unfit(missing: list[str], whole: bool) -> UsageError:
    remedy = (
        "`pointsman runs init` makes a store; for a database of your own write a mapping and name it in `mapping`"
        if whole
        else "correct the mapping; null leaves a column out, `pointsman runs migrate` adds a change counter"
    )
    return UsageError("the database does not hold what is to be read", detail="\n".join(missing), remedy=remedy)
