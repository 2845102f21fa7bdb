"""`pointsman monitor`: the run monitor in the foreground, and whether it has what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pointsman.cli.output import Output, OutputOption, checks_table, finish, guarded, out, show_rows

app = typer.Typer(help="The run monitor: sees runs end, stall or go silent, and acts once.", no_args_is_help=True)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", envvar="POINTSMAN_MONITOR", help="The monitor's file; left out: monitor.yaml of this folder."
    ),
]


@app.command()
def run(
    config: ConfigOption = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Serve on this port in place of the declared one.")
    ] = None,
) -> None:
    """Watch runs in the foreground until SIGTERM or Ctrl-C; SIGHUP reads limits, rules and handlers anew."""
    from pointsman.monitor import settings as reading
    from pointsman.monitor.__main__ import log_to_stderr
    from pointsman.monitor.loop import Monitor

    with guarded(Output.TABLE):
        log_to_stderr()
        settings = reading.read(config)
        if port is not None:
            settings = settings.served_on(port)
        finish(Monitor(settings).run())


@app.command()
def check(config: ConfigOption = None, output: OutputOption = Output.TABLE) -> None:
    """Say whether settings, store, folders, channels and the Collector are as the monitor needs them."""
    from pointsman.errors import EXIT_FAULT, EXIT_GOOD
    from pointsman.monitor import settings as reading
    from pointsman.monitor.checking import check as checked

    with guarded(output):
        report = checked(reading.read(config))
        if output is Output.JSON:
            rows = [
                {
                    "group": each.group,
                    "check": each.name,
                    "outcome": each.outcome.value,
                    "seen": each.seen,
                    "expected": each.expected,
                    "next": each.remedy,
                }
                for each in report.checks
            ]
            show_rows("monitor check", rows, output)
        else:
            out.print(checks_table(report, "the run monitor"))
        finish(EXIT_FAULT if report.failures else EXIT_GOOD)
