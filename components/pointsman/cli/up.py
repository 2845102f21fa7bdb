"""`pointsman up`, phase by phase: preflight, toolchain, images, Pulumi, proof, summary."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from pointsman.builds import Store, progress_for
from pointsman.checks import Report
from pointsman.cli.documents import ImageLine, UpDocument
from pointsman.cli.output import Output, checks_table, emit, failures_text, lines, summary_table
from pointsman.declared import Declared, declared
from pointsman.deploy import runs_store, stack, variables
from pointsman.deploy.events import Run
from pointsman.errors import PointsmanError
from pointsman.images.model import Resolution
from pointsman.images.resolve import ensure as ensure_images
from pointsman.paths import checkout, environment_dir
from pointsman.preflight import release_dead_locks
from pointsman.preflight import run as run_preflight
from pointsman.spec.models import Environment
from pointsman.spec.reader import read_environment
from pointsman.spec.scalars import duration_seconds
from pointsman.toolchain import Toolchain
from pointsman.toolchain import ensure as ensure_toolchain
from pointsman.verify import DEADLINE_SECONDS
from pointsman.verify import run as run_verify

# A Prometheus that has just started scrapes each target for the first time within one interval; this is on top.
AFTER_FIRST_SCRAPE_SECONDS = 5.0


@dataclass
class Phases:
    """How long each phase took, in seconds."""

    console: Console
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Times a phase."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - started, 2)


def bring_up(environment: str, output: Output, console: Console) -> int:
    """Runs all phases and shows the result; returns the exit code: 1 when a check failed."""
    phase = Phases(console)
    spec = read_environment(environment)
    findings = release_dead_locks(environment)
    with phase("preflight"):
        _preflight(environment, spec, output, console)
    # One session: what the toolchain's builds compiled and downloaded, the images' builds use again.
    with Store().session(console.print):
        with phase("toolchain"):
            toolchain = _toolchain(console)
        with phase("images"):
            resolution = _images(environment, spec, console)
    if made := runs_store.make(spec, checkout()):
        console.print(f"made the runs store {made}")
    with phase("pulumi"):
        run = stack.up(environment, variables.of(toolchain), console)
    with phase("verify"):
        estate = declared(environment)
        report = run_verify(estate, deadline_seconds=patience(spec))
    findings += [*resolution.findings, *run.warnings]
    document = _document(environment, estate, toolchain, run, report, findings, phase.seconds)
    path = environment_dir(environment) / "summary.json"
    path.write_text(document.model_dump_json(indent=2) + "\n")
    if output is Output.JSON:
        emit(document)
    else:
        _show(document, estate, report, run, str(path), console)
    return report.exit_code


def patience(spec: Environment) -> float:
    """How long the proof of services that have just started may take, in seconds."""
    return max(duration_seconds(spec.prometheus.scrape_interval) + AFTER_FIRST_SCRAPE_SECONDS, DEADLINE_SECONDS)


def _preflight(environment: str, spec: Environment, output: Output, console: Console) -> None:
    report = run_preflight(environment, spec)
    if report.failures:
        console.print(checks_table(Report(report.failures), f"preflight of {environment}"))
        raise PointsmanError(
            f"preflight found {len(report.failures)} fault(s); nothing was touched",
            # People have the table above; a script reads the document alone.
            detail=failures_text(report) if output is Output.JSON else "",
            remedy="mend what is listed above, then run the same command again",
        )


def _toolchain(console: Console) -> Toolchain:
    progress = progress_for(console)
    try:
        return ensure_toolchain(progress)
    finally:
        progress.close()


def _images(environment: str, spec: Environment, console: Console) -> Resolution:
    progress = progress_for(console)
    try:
        return ensure_images(environment, spec, progress)
    finally:
        progress.close()


def _document(
    environment: str,
    estate: Declared,
    toolchain: Toolchain,
    run: Run,
    report: Report,
    findings: list[str],
    seconds: dict[str, float],
) -> UpDocument:
    images = [
        ImageLine(service=each.service, version=each.version, image=each.label, source=each.source)
        for each in estate.images.images.values()
    ]
    return UpDocument(
        environment=environment,
        good=not report.failures,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        pulumi=toolchain.pulumi_version,
        images=images,
        urls=estate.urls(),
        changes=run.changes,
        checks=lines(report),
        findings=findings,
        seconds=seconds,
    )


def _show(document: UpDocument, estate: Declared, report: Report, run: Run, path: str, console: Console) -> None:
    services = Table(title=document.environment, title_justify="left", box=None, pad_edge=False)
    for column in ("service", "version", "from", "URL"):
        services.add_column(column, overflow="fold")
    images = {image.service: image for image in document.images}
    for service in estate.estate.services:
        image = images[service.image]
        name = service.name if service.name == service.image else f"{service.name} ({service.image})"
        services.add_row(name, image.version, image.source, document.urls.get(service.name, ""))
    console.print()
    console.print(services)
    console.print()
    console.print(summary_table(report, "proof"))
    for finding in document.findings:
        console.print(f"[yellow]![/yellow] {finding}")
    spent = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in document.seconds.items())
    console.print(f"\n{run.changed} changes; {spent}", style="dim")
    good = "[green]proved[/green]" if document.good else f"[red]{len(report.failures)} checks failed[/red]"
    console.print(f"{document.environment} is up, {good}; summary in {path}")
