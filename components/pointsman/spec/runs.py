"""What may be declared of the runs store: where it is, and what an existing database calls its tables and columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pointsman.spec.base import Misfit, Model
from pointsman.spec.scalars import Duration, LabelName
from pointsman.spec.secrets import FilePath

DEFAULT_URL = "sqlite:///.state/orchestration.db"

StoreUrl = Annotated[
    str,
    StringConstraints(
        pattern=r"^(sqlite:///[^\s?#]+|postgresql://[^\s:@/]+@[A-Za-z0-9._-]+(:[0-9]{1,5})?/[^\s?#/]+(\?[^\s#]*)?)$"
    ),
    Field(
        json_schema_extra={
            "patternErrorMessage": "expected sqlite:///<path>, or postgresql://<user>@<host>:<port>/<database> without "
            "a password"
        }
    ),
]
"""Where a store is. A password is refused: it stands in a file of its own."""

EstateId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
    Field(
        json_schema_extra={
            "patternErrorMessage": "expected letters, digits, dots, underscores and hyphens, at most 64, a letter or a "
            "digit first"
        }
    ),
]
"""What an estate is called in its store."""

Name = Annotated[str, StringConstraints(pattern=r"^[^\s\x00.\"]{1,63}$")]
"""A column's name, as it is in the database."""

TableName = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s\x00.\"]{1,63}(\.[^\s\x00.\"]{1,63})?$"),
    Field(json_schema_extra={"patternErrorMessage": "expected a table's name, or schema.table"}),
]
"""A table's or a view's name, its schema before it where it is not the default one."""

StateName = Literal["queued", "running", "waiting_for_approval", "completed", "failed", "cancelled"]
RunKey = Literal[
    "id",
    "name",
    "kind",
    "state",
    "attempt",
    "created_at",
    "started_at",
    "finished_at",
    "heartbeat_at",
    "updated_at",
    "artifacts",
    "error",
    "url",
    "trace_id",
]
StepKey = Literal["run_id", "position", "name", "kind", "state", "started_at", "finished_at", "updated_at", "error"]


class StoreSettings(Model):
    """Where runs are read."""

    url: StoreUrl = Field(
        default=DEFAULT_URL,
        description="sqlite:///<path>, relative to the checkout unless it begins with a fourth slash, or "
        "postgresql://<user>@<host>:<port>/<database>. libpq's parameters may follow a question mark.",
    )
    password_file: FilePath | None = Field(
        default=None, description="A file with the password for PostgreSQL alone, mode 600; read at each connection."
    )
    mapping: str | None = Field(
        default=None,
        min_length=1,
        description="A YAML file that says what an existing database calls its tables and columns; left out for a "
        "store that `pointsman runs init` made.",
    )
    estate_id: EstateId | None = Field(
        default=None,
        description="The estate that the store must say it was made for: a server that says another, or nothing, is "
        "refused.",
    )
    artifacts: str | None = Field(
        default=None,
        pattern=r"\{run_id\}",
        description="The folder of a run's artifacts where the store names none, such as artifacts/{run_id}, relative "
        "to the checkout; without it such a run has no archive.",
    )

    def misfits(self) -> Iterator[Misfit]:
        """A password in the address's parameters; a password for a file."""
        if re.search(r"[?&](password|passfile)=", self.url):
            yield Misfit((("url",),), "the address holds a password", "password_file with the path of a file")
        if self.password_file and self.url.startswith("sqlite:"):
            yield Misfit((("password_file",), ("url",)), "SQLite knows no password", "no password_file")


class RunsTable(Model):
    """The table, or view, of runs."""

    table: TableName = Field(default="runs", description="Its name, or schema.table.")
    columns: dict[RunKey, Name | None] = Field(
        default_factory=dict,
        description="What Pointsman knows: the column that holds it. What is left out is looked for under its own "
        "name; null leaves it out. id and state are needed, and updated_at unless a change counter was added.",
    )
    states: dict[str, StateName] = Field(
        default_factory=dict, description="The database's words for states: what they mean. Ours need not be listed."
    )
    labels: dict[LabelName, Name] = Field(default_factory=dict, description="Further columns, as labels of a run.")


class StepsTable(Model):
    """The table, or view, of steps."""

    table: TableName = Field(default="steps", description="Its name, or schema.table.")
    columns: dict[StepKey, Name | None] = Field(
        default_factory=dict, description="As for runs. run_id, name and state are needed."
    )
    states: dict[str, StateName] = Field(default_factory=dict, description="As for runs.")


class StoreMapping(Model):
    """What an existing database calls its tables and columns."""

    runs: RunsTable = RunsTable()
    steps: StepsTable | None = Field(default=None, description="Left out where the database knows no steps.")
    numbers: Literal["seconds", "milliseconds"] = Field(
        default="seconds", description="What times are that are numbers: since 1970, UTC."
    )
    overlap: Duration = Field(
        default="2s",
        description="How far writers' clocks may be behind each other, and how long a transaction may take, where no "
        "change counter was added: that much is read again each time.",
    )
