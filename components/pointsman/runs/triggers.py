"""The change counter: a table that triggers fill at every change of a run or of its steps, so that no clock is trusted.

SQLite keeps one row a run with the number of its last change: writers there come one after the other anyway. PostgreSQL
only ever adds rows, since one row a run would make transactions wait for each other that change different steps of the
same run; they go after an hour, a few with each thousand that come. A reader that was away for longer begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass

CHANNEL = "pointsman_runs"
"""What PostgreSQL notifies on."""
KEPT_MINUTES = 60
"""How long PostgreSQL keeps a change."""


@dataclass(frozen=True)
class Watched:
    """A table whose changes count. `table` and `key` are quoted for SQL; `slug` names its triggers: `runs`, `steps`."""

    slug: str
    table: str
    key: str


def sqlite_statements(changes: str, watched: list[Watched]) -> list[str]:
    """What makes the counter in SQLite; nothing where it is there already.

    The old row is deleted first: `INSERT OR REPLACE` in a trigger gives way to what the writer's statement says of
    conflicts, so that its `INSERT OR IGNORE` would lose the change.
    """
    made = [
        f"CREATE TABLE IF NOT EXISTS {changes} (seq INTEGER PRIMARY KEY AUTOINCREMENT, run_id UNIQUE, at TEXT NOT NULL)"
    ]
    for each in watched:
        body = {
            "insert": _counted(changes, f"NEW.{each.key}"),
            "update": f"DELETE FROM {changes} WHERE run_id = OLD.{each.key}; {_counted(changes, f'NEW.{each.key}')}",
            # Of a run that is gone there is nothing to read: whoever follows it asks whether it is there.
            "delete": _counted(changes, f"OLD.{each.key}")
            if each.slug == "steps"
            else f"DELETE FROM {changes} WHERE run_id = OLD.{each.key};",
        }
        made += [
            f"CREATE TRIGGER IF NOT EXISTS {changes}_{each.slug}_{event} AFTER {event.upper()} ON {each.table} "
            f"BEGIN {statements} END"
            for event, statements in body.items()
        ]
    return made


def _counted(changes: str, run_id: str) -> str:
    return (
        f"DELETE FROM {changes} WHERE run_id = {run_id}; INSERT INTO {changes} (run_id, at) "
        f"SELECT {run_id}, strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE {run_id} IS NOT NULL;"
    )


def postgres_statements(schema: str, name: str, watched: list[Watched]) -> list[str]:
    """What makes the counter in PostgreSQL, in a (quoted) schema; as it was where it is there already.

    The functions run with the rights of who made them: a role that may write runs need not know of the counter. `xact`
    tells which transactions a reader has not seen yet, whatever order they commit in; numbers of a sequence do not.
    """
    changes = f"{schema}.{name}"
    made = [
        f"CREATE TABLE IF NOT EXISTS {changes} (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
        "run_id text NOT NULL, xact xid8 NOT NULL, at timestamptz NOT NULL)",
        f"CREATE INDEX IF NOT EXISTS {name}_by_xact ON {changes} (xact)",
    ]
    for each in watched:
        function = f"{changes}_of_{each.slug}"
        made.append(_postgres_function(function, changes, each.key))
        for event, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            made.append(
                f"CREATE OR REPLACE TRIGGER {name}_{each.slug}_{event.lower()} AFTER {event} ON {each.table} "
                f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
            )
    return made


def _postgres_function(function: str, changes: str, key: str) -> str:
    return f"""\
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added bigint;
BEGIN
    INSERT INTO {changes} (run_id, xact, at)
        SELECT DISTINCT {key}::text, pg_current_xact_id(), clock_timestamp() FROM changed WHERE {key} IS NOT NULL;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF added > 0 THEN
        PERFORM pg_notify('{CHANNEL}', '');
    END IF;
    IF random() < added / 1000.0 THEN
        DELETE FROM {changes} WHERE seq IN (
            SELECT seq FROM {changes} WHERE at < now() - interval '{KEPT_MINUTES} minutes'
            ORDER BY seq LIMIT 4 * greatest(added, 1000) FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN NULL;
END
$$"""
