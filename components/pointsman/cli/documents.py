"""What `--output json` prints: one document a run, each with the name and version of its schema.

A field may be added within a version; one that goes or changes its meaning makes a new version.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Document(BaseModel):
    """Base of all documents."""

    # Built when first used: a run prints one or two of them, and all of them cost every run a tenth of a second.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class HopLine(Document):
    """One step on the way of a signal: where it was looked at, and the seconds since the step before."""

    name: str
    service: str
    outcome: Literal["pass", "fail", "not verifiable here"]
    seen: str
    seconds: float


class CheckLine(Document):
    """One check.

    `group` is the set that it is shown in, `service` the one that it is about or that a failure is laid to; `hops` are
    the steps of a signal that was followed, and the first with outcome `fail` is where it was lost.
    """

    name: str
    outcome: Literal["pass", "fail", "not verifiable here"]
    seen: str
    expected: str
    remedy: str
    seconds: float
    group: str = ""
    service: str = ""
    hops: list[HopLine] = Field(default_factory=list)


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
    """One service as it runs.

    `good`: runs, and answers from outside where it is published; `health` says why it is not. `memory` is the working
    set, usage less inactive file cache, in bytes. `ingestion` is what comes in a second, in `ingestion_unit`: null when
    Prometheus does not tell, and without a unit when the service counts nothing. `addresses` are by name of the port.
    """

    service: str
    good: bool
    state: str
    health: str
    version: str
    version_from: Literal["service", "image", "unknown"]
    image: str
    uptime: float | None
    restarts: int
    memory: int | None
    memory_limit: int
    ingestion: float | None
    ingestion_unit: str
    url: str
    addresses: dict[str, str]


class HostStatusLine(Document):
    """One runner host as it runs.

    `state` is Docker's word, `missing`, or `machine` for one that is no container; `health` says why it is not good.
    `version` is its runner's, `job` whether that has one. `free` and `size` are of the work folder's file system, in
    bytes. What nothing tells is null.
    """

    host: str
    good: bool
    state: str
    health: str
    labels: list[str]
    version: str
    job: bool | None
    free: int | None
    size: int | None
    uptime: float | None
    address: str


class StatusDocument(Document):
    """The result of `status`; with `--watch` one a line, every two seconds."""

    document: Literal["pointsman.status/1"] = "pointsman.status/1"
    environment: str
    good: bool
    services: list[ServiceLine]
    hosts: list[HostStatusLine] = Field(default_factory=list)


class DownDocument(Document):
    """The result of `down`."""

    document: Literal["pointsman.down/1"] = "pointsman.down/1"
    environment: str
    changes: dict[str, int]
    volumes_removed: list[str]


class VolumeLine(Document):
    """The data of one service in a backup. `stopped` is how long the service was away for the copy, in seconds."""

    service: str
    volume: str
    bytes: int
    stopped: float


class BackupDocument(Document):
    """The result of `backup`: the file with its size in bytes, and what is in it."""

    document: Literal["pointsman.backup/1"] = "pointsman.backup/1"
    environment: str
    file: str
    size: int
    created: str = Field(description="UTC, ISO 8601.")
    volumes: list[VolumeLine]
    state: bool
    seconds: float


class RestoreDocument(Document):
    """The result of `restore`: `services` have the backup's data now; `up` tells whether they were started and proved.

    `state` tells that Pulumi's state was put back instead of data.
    """

    document: Literal["pointsman.restore/1"] = "pointsman.restore/1"
    environment: str
    file: str
    taken_from: str
    created: str = Field(description="When the backup was made; UTC, ISO 8601.")
    services: list[str]
    state: bool
    up: bool
    good: bool
    checks: list[CheckLine]
    findings: list[str]
    seconds: float


class HostLine(Document):
    """One host of an inventory.

    `part` is primary or secondary, and empty for a host without a runner, as are the fields behind it. `exporters` are
    the ports of what is scraped; `hash` changes with what a play makes of the host.
    """

    name: str
    groups: list[str]
    address: str
    port: int
    user: str
    exporters: dict[str, int]
    part: Literal["primary", "secondary", ""]
    runner: str
    labels: list[str]
    profile: Literal["strict", "docker", ""]
    mode: Literal["persistent", "ephemeral", ""]
    hash: str


class GroupLine(Document):
    """One group of an inventory: the groups in it, and the hosts that stand in it directly."""

    name: str
    children: list[str]
    hosts: list[str]


class InventoryDocument(Document):
    """The result of `inventory check`, `list` and `graph`: the hosts of an environment as they are resolved.

    `folder` is where they are written. A mistake in it ends in the document of errors.
    """

    document: Literal["pointsman.inventory/1"] = "pointsman.inventory/1"
    environment: str
    folder: str
    hosts: list[HostLine]
    groups: list[GroupLine]


class HostRunLine(Document):
    """What a play did on one host. `changes` are tasks with what they changed, or would in a check; `task` is the one
    that failed; `exit_code` is 0 for a play that ended well."""

    host: str
    good: bool
    exit_code: int
    ok: int
    changed: int
    changes: list[str]
    seconds: float
    task: str
    message: str
    remedy: str


class HostsDocument(Document):
    """The result of `harden`, `runner drain` and `runner restore`; `is_check` says that nothing was changed."""

    document: Literal["pointsman.hosts/1"] = "pointsman.hosts/1"
    verb: Literal["harden", "drain", "restore"]
    environment: str
    is_check: bool
    hosts: list[HostRunLine]


class AlertLine(Document):
    """How one alert fared: how often and how long in seconds it fired, its share of all firings (those of severity none
    apart), how often one series fired again within an hour, and the metrics without which it cannot fire."""

    alert: str
    severity: str
    firings: int
    seconds: float
    share: float
    returns: int
    verdicts: list[Literal["cannot fire", "never fired", "flapping", "dominant"]]
    missing: list[str]


class AlertsDocument(Document):
    """The result of `alerts report`: every rule that Prometheus has loaded, the loudest first."""

    document: Literal["pointsman.alerts/1"] = "pointsman.alerts/1"
    environment: str
    window: str
    alerts: list[AlertLine]


class SeriesLine(Document):
    """One series in Prometheus with its value, and its labels but those of the resource."""

    name: str
    labels: dict[str, str]
    value: float


class DemoDocument(Document):
    """The result of `demo`: what Prometheus must show of it.

    `series` are counters, and the counts and sums of histograms, from zero at its beginning; `held` are sums that stood
    so while it went on. `failing_trace` is the id of a trace with an error, logs and a deployment that failed.
    `watched` are the ids of runs in the run monitor's store, by how they go; empty where it has none of this machine.
    """

    document: Literal["pointsman.demo/1"] = "pointsman.demo/1"
    environment: str
    endpoint: str
    seed: int
    runs: int
    failing_trace: str
    series: list[SeriesLine]
    held: list[SeriesLine]
    watched: dict[str, list[str]]


class DeploymentDocument(Document):
    """The result of `deployments record`. `sent` tells whether all was; what was not is sent by the next call."""

    document: Literal["pointsman.deployment/1"] = "pointsman.deployment/1"
    environment: str
    deployed_to: str
    service: str
    event: Literal["start", "success", "failure", "cancelled"]
    trace: str
    duration: float | None
    sent: bool
    warnings: list[str]


class TableDocument(Document):
    """The rows of `images`, `toolchain` and `alerts lint`; `spec check` of a good spec has no rows, `mistakes`."""

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
    """A fault that ended the command; `mistakes` lists those of a spec or an inventory."""

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
    BackupDocument,
    RestoreDocument,
    InventoryDocument,
    HostsDocument,
    AlertsDocument,
    DemoDocument,
    DeploymentDocument,
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
