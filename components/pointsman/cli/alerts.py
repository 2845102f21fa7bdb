"""`pointsman alerts`: whether the alerts have what they need, and how they fared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pointsman.cli.documents import AlertLine, AlertsDocument
from pointsman.cli.output import EnvironmentOption, Output, OutputOption, emit, finish, guarded, out, show_rows

if TYPE_CHECKING:
    from pointsman.declared import Declared

app = typer.Typer(help="The alerts of an environment.", no_args_is_help=True)


@app.command()
def lint(environment: EnvironmentOption = "dev", output: OutputOption = Output.TABLE) -> None:
    """Say what alerts lack: an owner, words, a runbook, a board, promtool's cases; and which series nobody sends."""
    from pointsman.alerts import sources
    from pointsman.errors import EXIT_FAULT, EXIT_GOOD
    from pointsman.paths import checkout
    from pointsman.signals.catalogue import alerts, every_group, slo_groups
    from pointsman.signals.lint import faults
    from pointsman.signals.rule_lint import faults as strangers
    from pointsman.spec.reader import read_environment

    with guarded(output):
        spec = read_environment(environment)
        groups, objectives = every_group(spec), slo_groups(spec)
        every, derived = alerts(groups), alerts(objectives)
        found = (
            *faults(every, sources.cases(checkout()), sources.pages(checkout()), derived),
            *strangers((*groups, *objectives)),
        )
        rows = [{"alert": each.alert, "problem": each.problem, "expected": each.expected} for each in found]
        if rows or output is Output.JSON:
            show_rows("faults", rows, output)
        else:
            out.print(f"[green]✓[/green] {len(every) + len(derived)} alerts have all that they need")
        finish(EXIT_FAULT if rows else EXIT_GOOD)


@app.command()
def report(
    environment: EnvironmentOption = "dev",
    window: Annotated[str, typer.Option(help="How far back, such as 24h or 7d.")] = "7d",
    output: OutputOption = Output.TABLE,
) -> None:
    """Tell how the rules fared: never fired, cannot fire for want of a metric, flapping, dominant."""
    import time

    from pointsman.alerts.live import report as fared
    from pointsman.declared import declared

    with guarded(output):
        found = fared(_prometheus(declared(environment)), _seconds(window), time.time())
        every = [
            AlertLine(
                alert=each.name,
                severity=each.severity,
                firings=each.firings,
                seconds=each.seconds,
                share=round(each.share, 4),
                returns=each.returns,
                verdicts=list(each.verdicts),
                missing=list(each.missing),
            )
            for each in found
        ]
        if output is Output.JSON:
            emit(AlertsDocument(environment=environment, window=window, alerts=every))
        else:
            show_rows("alerts", [_row(each) for each in every], output)


@app.command("test")
def send_test(
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", envvar="POINTSMAN_ALERTS", help="alerts.yaml; left out: the one of this folder."),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Send one alert to each channel that the run monitor tells, and say how it went."""
    from pointsman.errors import EXIT_FAULT, EXIT_GOOD
    from pointsman.monitor.alerting import engine
    from pointsman.monitor.alerting.rules import CONSOLE
    from pointsman.monitor.alerting.trying import try_each

    with guarded(output):
        # The console's line would stand between those of the document.
        found = engine.channels(engine.read(file))
        tried = try_each([each for each in found if each.name != CONSOLE or output is Output.TABLE])
        words = {each.channel: f"{each.result}: {each.why}" if each.why else each.result for each in tried}
        show_rows("channels", [{"channel": name, "result": said} for name, said in words.items()], output)
        finish(EXIT_FAULT if any(each.result == "failed" for each in tried) else EXIT_GOOD)


def _row(line: AlertLine) -> dict[str, object]:
    return {
        "alert": line.alert,
        "severity": line.severity,
        "firings": line.firings,
        "firing for": f"{line.seconds / 3600:.1f} h" if line.firings else "",
        "share": f"{line.share:.0%}" if line.share else "",
        "verdict": ", ".join(line.verdicts),
        "metrics that are not there": ", ".join(line.missing),
    }


def _prometheus(declared: Declared) -> str:
    """Where this machine asks the environment's Prometheus, be it its own or another's."""
    from pointsman.services import prometheus

    return declared.url(declared.service(prometheus.NAME))


def _seconds(window: str) -> float:
    from pointsman.errors import UsageError
    from pointsman.spec.scalars import duration_seconds

    try:
        seconds = duration_seconds(window)
    except ValueError as error:
        raise UsageError(f"--window {window}: {error}", remedy="for example --window 7d") from error
    if seconds < 60:
        raise UsageError(f"--window {window} is too short to judge", remedy="for example --window 7d")
    return seconds
