"""`monitor check`: whether all that the monitor needs is there, looked at without changing any of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pointsman.checks import Check, Outcome, Report
from pointsman.errors import PointsmanError
from pointsman.http_client import new_client, worded
from pointsman.monitor import settings as reading
from pointsman.monitor.alerting import engine
from pointsman.monitor.settings import Settings
from pointsman.runs.opening import opened
from pointsman.spec.monitor import RerunSpec
from pointsman.spec.scalars import size_bytes

_GOOD, _BAD, _UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.NOT_VERIFIABLE


def check(settings: Settings) -> Report:
    """All of it; what cannot be asked here says so."""
    checks = [Check("settings", _GOOD, str(settings.file or "no file: all defaults"), group="settings")]
    for name, make in (
        ("limits", lambda: reading.limits(settings.spec.limits)),
        ("handlers", lambda: reading.handlers(settings)),
    ):
        checks.append(_asked(name, "settings", make, "good"))
    checks += _store(settings)
    checks += _folders(settings)
    checks += _channels(settings)
    checks += _collector(settings)
    checks += _rerun(settings.spec.rerun)
    return Report(tuple(checks))


def _store(settings: Settings) -> Iterator[Check]:
    try:
        source = opened(settings.spec.store, settings.base)
        try:
            found = source.identity()
            estate = f", estate {found.estate_id}" if found.estate_id else ""
            seen = f"{found.kind} at {found.place}, database {found.database}, schema {found.schema_version}{estate}"
            yield Check("who answers", _GOOD, seen, group="store")
            for advice in source.advice():
                yield Check("advice", _UNKNOWN, advice, group="store")
        finally:
            source.close()
    except PointsmanError as error:
        yield _failed("who answers", "store", error)


def _folders(settings: Settings) -> Iterator[Check]:
    wanted = {"journal": settings.state, "archive": settings.archive, "reports": settings.reports}
    for name, folder in wanted.items():
        if folder is None:
            yield Check(name, _GOOD, "not wanted", group="folders")
        else:
            yield _folder(name, folder, size_bytes(settings.spec.archive.min_free) if name == "archive" else 0)


def _folder(name: str, folder: Path, free: int) -> Check:
    there = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
        left = shutil.disk_usage(there).free
    except OSError as error:
        why = f"{there} cannot be written: {error.strerror}"
        return Check(name, _BAD, why, "a folder that this user may write", f"ls -ld {there}", group="folders")
    seen = f"{folder}, {left / 1e9:.1f} GB free" + ("" if there == folder else ", to be made")
    if left < free:
        return Check(name, _BAD, seen, f"{free / 1e9:.1f} GB free", f"df -h {there}", group="folders")
    return Check(name, _GOOD, seen, group="folders")


def _channels(settings: Settings) -> Iterator[Check]:
    try:
        found = engine.channels(settings.alerts())
    except PointsmanError as error:
        yield _failed("alerts", "channels", error)
        return
    yield Check("alerts", _GOOD, str(settings.alerts_file or "the built-in rules"), group="channels")
    for each in found:
        # Nobody is told here: `pointsman alerts test` tells each.
        seen = "ready" if each.channel else f"disabled: {each.disabled}"
        yield Check(each.name, _GOOD, seen, group="channels")


def _collector(settings: Settings) -> Iterator[Check]:
    traces = settings.spec.traces
    if traces is None:
        return
    import httpx

    try:
        with new_client() as client:
            # An empty request, which every Collector takes.
            client.post(f"{traces.endpoint}/v1/traces", json={"resourceSpans": []}).raise_for_status()
        yield Check("traces", _GOOD, f"{urlsplit(traces.endpoint).netloc} takes spans", group="collector")
    except httpx.HTTPError as error:
        said = worded(error)
        yield Check("traces", _BAD, said, f"a Collector at {traces.endpoint}", "pointsman verify", group="collector")


def _rerun(spec: RerunSpec) -> Iterator[Check]:
    wanted = {"webhook": spec.webhook, "github": spec.github.token if spec.github else None}
    for name, secret in wanted.items():
        if secret is None:
            continue
        told = secret.file or secret.environment or ""
        there = Path(secret.file).expanduser().is_file() if secret.file else bool(os.environ.get(told))
        outcome = _GOOD if there else _BAD
        seen = f"{told} {'is there' if there else 'is not there'}"
        yield Check(f"rerun by {name}", outcome, seen, "a secret", f"set {told}", group="rerun")


def _asked(name: str, group: str, make: Callable[[], object], seen: str) -> Check:
    try:
        made = make()
    except PointsmanError as error:
        return _failed(name, group, error)
    words = ", ".join(each.name for each in made) if isinstance(made, Sequence) else seen
    return Check(name, _GOOD, words, group=group)


def _failed(name: str, group: str, error: PointsmanError) -> Check:
    seen = " ".join(part for part in (error.message, error.detail) if part)
    return Check(name, _BAD, seen, "", error.remedy, group=group)
