"""The monitor's settings: monitor.yaml read, every path absolute, and the parts that are made of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path

from pointsman.errors import UsageError
from pointsman.monitor.alerting import engine
from pointsman.monitor.backoff import Backoff
from pointsman.monitor.handlers.archive import Archive, ArchiveSettings
from pointsman.monitor.handlers.log import Log, LogSettings
from pointsman.monitor.handlers.report import Report, ReportSettings
from pointsman.monitor.handlers.retention import Retention
from pointsman.monitor.handlers.traces import Traces, TracesSettings
from pointsman.monitor.handling import ENTRY_POINTS, Handler
from pointsman.monitor.limits import KindLimits, Limits
from pointsman.spec.monitor import KindLimitsSpec, LimitsSpec, MonitorSpec, PluginHandler, RetriesSpec
from pointsman.spec.reader import read_as
from pointsman.spec.run_alerts import RunAlerts
from pointsman.spec.scalars import duration_seconds, size_bytes

FILE = "monitor.yaml"
JOURNAL, ALERTS, LEASE = "journal.db", "alerts.db", "leader.lock"


@dataclass(frozen=True)
class Settings:
    """A spec and the absolute folder that its relative paths begin at. `file` is None where there is no file."""

    spec: MonitorSpec
    base: Path
    file: Path | None = None

    def path(self, told: str) -> Path:
        """A path of the spec, absolute."""
        return Path(os.path.abspath(self.base / Path(told).expanduser()))  # noqa: PTH100  a link stays one

    def served_on(self, port: int) -> Settings:
        """The same on another port."""
        spec = self.spec
        serving = spec.serving.model_copy(update={"port": port})
        return replace(self, spec=spec.model_copy(update={"serving": serving}))

    @property
    def state(self) -> Path:
        """The monitor's own folder."""
        return self.path(self.spec.state)

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.state / JOURNAL

    @property
    def archive(self) -> Path | None:
        """The archive's folder; None where runs are not archived."""
        return self.path(self.spec.archive.folder) if self.spec.archive.enabled else None

    @property
    def reports(self) -> Path | None:
        """The folder of reports; None where there are none."""
        return self.path(self.spec.reports.folder) if self.spec.reports.enabled else None

    @property
    def alerts_file(self) -> Path | None:
        """The file of alerts that holds; None for the built-in ones."""
        if self.spec.alerts is not None:
            return self.path(self.spec.alerts)
        usual = self.base / engine.FILE
        return usual if usual.exists() else None

    def alerts(self) -> RunAlerts:
        """The alerts. Raises SpecError, UsageError."""
        file = self.alerts_file
        return RunAlerts() if file is None else engine.read(file)


def read(file: Path | None = None) -> Settings:
    """The settings of a file; without one those of monitor.yaml in the working directory, else the defaults.

    Raises SpecError with every mistake, UsageError where the file cannot be read.
    """
    if file is None:
        file = Path.cwd() / FILE
        if not file.exists():
            return Settings(MonitorSpec(), Path.cwd())
    file = Path(os.path.abspath(file))  # noqa: PTH100
    return Settings(read_as(MonitorSpec, file), file.parent, file)


def limits(spec: LimitsSpec) -> Limits:
    """The limits in seconds."""
    return Limits(
        default=_kind(spec),
        kinds={kind: _kind(each) for kind, each in spec.kinds.items()},
        settle=duration_seconds(spec.settle),
        retention=duration_seconds(spec.retention),
    )


def backoff(spec: RetriesSpec) -> Backoff:
    """The waits between attempts."""
    return Backoff(first=duration_seconds(spec.first), longest=duration_seconds(spec.longest), attempts=spec.attempts)


def handlers(settings: Settings) -> list[Handler]:
    """The handlers that the spec asks for, but for metrics and alerts. Raises UsageError for a plug-in."""
    spec, made = settings.spec, list[Handler]()
    if settings.archive is not None:
        made.append(Archive(archiving(settings, settings.archive)))
    if settings.reports is not None:
        made.append(Report(ReportSettings(settings.reports, settings.archive)))
    made.append(Log(LogSettings(None if spec.log == "stdout" else settings.path(spec.log))))
    if spec.traces is not None:
        made.append(Traces(TracesSettings(spec.traces.endpoint, spec.traces.service)))
    return made + [_plugin(each) for each in spec.handlers]


def validate(settings: Settings) -> None:
    """Raises SpecError and UsageError for what would keep the monitor from acting once it leads."""
    limits(settings.spec.limits)
    handlers(settings)
    engine.channels(settings.alerts())


def archiving(settings: Settings, folder: Path) -> ArchiveSettings:
    """How runs are archived."""
    spec = settings.spec.archive
    template = settings.spec.store.artifacts
    # The folder that the template fills, as the store itself holds runs to it.
    root = [template.partition("{run_id}")[0].rpartition("/")[0] or "."] if template else []
    within = tuple(settings.path(each) for each in spec.within or root)
    keep = Retention(spec.keep_days, size_bytes(spec.keep_size) if spec.keep_size else None)
    return ArchiveSettings(folder, within, keep, size_bytes(spec.min_free), spec.level)


def _kind(spec: KindLimitsSpec) -> KindLimits:
    return KindLimits(
        queued=duration_seconds(spec.queued),
        silent=duration_seconds(spec.silent),
        approval=duration_seconds(spec.approval),
        running=duration_seconds(spec.running) if spec.running else None,
        times_p99=spec.times_p99,
        samples=spec.samples,
        least_running=duration_seconds(spec.least_running),
        unknown_running=duration_seconds(spec.unknown_running),
    )


def _plugin(declared: PluginHandler) -> Handler:
    found = entry_points(group=ENTRY_POINTS)
    if declared.entry_point not in found.names:
        there = ", ".join(sorted(found.names)) or "none is installed"
        raise UsageError(
            f"there is no handler {declared.entry_point} in {ENTRY_POINTS}",
            remedy=f"install the package that brings it; there is: {there}",
        )
    made: Handler = found[declared.entry_point].load()(dict(declared.options))
    return made
