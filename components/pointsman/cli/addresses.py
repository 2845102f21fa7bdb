"""`open`: the address of a service, in the browser where there is one."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import Annotated

import typer

from pointsman.cli.output import EnvironmentOption, Output, err, guarded, out
from pointsman.errors import UsageError

FIRST_CHOICES = ("grafana", "board", "prometheus")
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def open_service(
    service: Annotated[
        str | None, typer.Argument(help="The service, or service-port; without it Grafana, the board or Prometheus.")
    ] = None,
    environment: EnvironmentOption = "dev",
    only_print: Annotated[bool, typer.Option("--print", help="Print the address, open nothing.")] = False,
) -> None:
    """Print the address of a service, and open it in the browser where there is a display."""
    from pointsman.declared import declared

    with guarded(Output.TABLE):
        address = chosen(declared(environment).urls(), service, environment)
        out.print(address, soft_wrap=True)
        if not only_print and has_display() and not webbrowser.open(address):
            err.print("no browser was found to open it with")


def chosen(urls: dict[str, str], service: str | None, environment: str) -> str:
    """The address of `service`, or of the page that is looked at first; UsageError with all that there are."""
    names = (service,) if service else FIRST_CHOICES
    for name in names:
        if name in urls:
            return urls[name]
    there = "\n".join(f"{name}  {url}" for name, url in urls.items())
    what = f"{service} that can be opened" if service else "Grafana and no Prometheus"
    raise UsageError(f"environment {environment} has no {what}", detail=there, remedy="name one of these")


def has_display() -> bool:
    """Whether a browser could show anything: macOS always, elsewhere where a display is named."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in DISPLAYS)
