"""`pointsman alerts route`: who is told of an alert, in what order and why, without asking anything that runs."""

from __future__ import annotations

from typing import Annotated

import typer

from pointsman.cli.output import EnvironmentOption, Output, OutputOption, guarded, show_rows


def register(app: typer.Typer) -> None:
    """Adds the command to the group of `alerts`."""
    app.command()(route)


def route(
    labels: Annotated[list[str], typer.Argument(help="The alert's labels, each as name=value.", show_default=False)],
    environment: EnvironmentOption = "dev",
    output: OutputOption = Output.TABLE,
) -> None:
    """Say who is told of an alert with these labels, in order, and by which route."""
    from pointsman.services.alertmanager import told
    from pointsman.spec.reader import read_environment

    with guarded(output):
        rows = [
            {
                "receiver": each.receiver,
                "because": each.why,
                "grouped_by": ", ".join(each.grouped),
                "again_after": each.repeat,
                "not_in": ", ".join(each.mute_times),
            }
            for each in told(read_environment(environment), _labels(labels), environment)
        ]
        show_rows("alert route", rows, output)


def _labels(written: list[str]) -> dict[str, str]:
    """The labels; raises UsageError for what is none."""
    from pointsman.errors import UsageError

    labels = {}
    for each in written:
        name, equals, value = each.partition("=")
        if not equals or not name.replace("_", "a").isalnum():
            raise UsageError(f"{each!r} is no label", remedy="write name=value, such as severity=critical")
        labels[name] = value
    return labels
