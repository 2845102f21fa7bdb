"""What `--output json` prints: one document a run, each with the name and version of its schema.

A field may be added within a version; one that goes or changes its meaning makes a new version.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Document(BaseModel):
    """Base of all documents."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CheckLine(Document):
    """One check."""

    name: str
    outcome: Literal["pass", "fail", "not verifiable here"]
    seen: str
    expected: str
    remedy: str
    seconds: float


class ChecksDocument(Document):
    """The result of `preflight` or `verify`."""

    document: Literal["pointsman.checks/1"] = "pointsman.checks/1"
    verb: Literal["preflight", "verify"]
    environment: str
    good: bool
    checks: list[CheckLine]


class ImageLine(Document):
    """The image of one service: `source` is registry or packages."""

    service: str
    version: str
    image: str
    source: str


class UpDocument(Document):
    """The result of `up`, also kept as summary.json in the environment's state directory.

    `changes` counts resources by what was done to them; `seconds` tells how long each phase took.
    """

    document: Literal["pointsman.up/1"] = "pointsman.up/1"
    environment: str
    good: bool
    finished: str = Field(description="UTC, ISO 8601.")
    pulumi: str
    images: list[ImageLine]
    urls: dict[str, str]
    changes: dict[str, int]
    checks: list[CheckLine]
    findings: list[str]
    seconds: dict[str, float]


class ServiceLine(Document):
    """One service as it runs. `memory` is the working set, usage less inactive file cache, in bytes."""

    service: str
    state: str
    health: str
    version: str
    version_from: Literal["service", "image", "unknown"]
    image: str
    uptime: float | None
    restarts: int
    memory: int | None
    memory_limit: int
    url: str


class StatusDocument(Document):
    """The result of `status`."""

    document: Literal["pointsman.status/1"] = "pointsman.status/1"
    environment: str
    good: bool
    services: list[ServiceLine]


class DownDocument(Document):
    """The result of `down`."""

    document: Literal["pointsman.down/1"] = "pointsman.down/1"
    environment: str
    changes: dict[str, int]
    volumes_removed: list[str]


class TableDocument(Document):
    """The rows of `images` and `toolchain`; `spec check` of a good spec has no rows, `mistakes`."""

    document: Literal["pointsman.table/1"] = "pointsman.table/1"
    name: str
    rows: list[dict[str, Any]]


class LogDocument(Document):
    """One log line; `logs` prints one document a line."""

    document: Literal["pointsman.log/1"] = "pointsman.log/1"
    time: str
    service: str
    line: str


class ErrorDocument(Document):
    """A fault that ended the command; `mistakes` lists those of a spec."""

    document: Literal["pointsman.error/1"] = "pointsman.error/1"
    exit_code: int
    message: str
    detail: str
    remedy: str
    mistakes: list[dict[str, Any]] = Field(default_factory=list)


DOCUMENTS: tuple[type[Document], ...] = (
    ChecksDocument,
    UpDocument,
    StatusDocument,
    DownDocument,
    TableDocument,
    LogDocument,
    ErrorDocument,
)


def json_schema() -> dict[str, Any]:
    """One JSON Schema for all documents: a document is valid when it is one of these."""
    from pydantic import TypeAdapter

    union: Any = DOCUMENTS[0]
    for each in DOCUMENTS[1:]:
        union = union | each
    schema = TypeAdapter(union).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Pointsman's output", **schema}
