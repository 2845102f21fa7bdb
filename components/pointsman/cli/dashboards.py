"""`dashboards preview`: pictures of the dashboards as they are shown now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pointsman.cli.output import EnvironmentOption, Output, OutputOption, guarded, show_rows
from pointsman.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from httpx import Client

    from pointsman.declared import Declared

app = typer.Typer(help="The dashboards: pictures of them.", no_args_is_help=True)
WIDTH, HEAD = 1600, 140
"""Pixels of a picture's width, and of what stands above the panels."""
SECONDS = 15.0


@app.callback()
def _group() -> None:
    """The dashboards: pictures of them."""


@app.command()
def preview(
    environment: EnvironmentOption = "dev",
    uid: Annotated[
        list[str] | None, typer.Option("--uid", help="One dashboard; may be given again. All without.")
    ] = None,
    folder: Annotated[Path, typer.Option("--out", help="Where the pictures go.")] = Path("previews"),
    start: Annotated[
        str, typer.Option("--from", help="From when on, such as now-6h; each dashboard's own without.")
    ] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Take a picture of each dashboard in a headless Chromium, from Grafana or the board in its place."""
    from pointsman.declared import declared

    with guarded(output):
        show_rows("dashboard pictures", taken(declared(environment), uid or (), folder, start), output)


def taken(found: Declared, uids: list[str] | tuple[()], folder: Path, start: str = "") -> list[dict[str, Any]]:
    """The pictures, one a dashboard. Raises UsageError for an unknown uid, UnreachableError without a browser."""
    from pointsman.http_client import new_client
    from pointsman.pictures import browser, take

    service = found.estate.dashboards
    if service is None:
        raise UsageError(f"environment {found.environment} shows no dashboards", remedy="set grafana.enabled to true")
    program, base = browser(), found.url(service)
    rows = []
    with new_client(SECONDS) as client:
        version = _asked(client, found, f"{base}/api/health")["version"]
        there = {each["uid"]: each["url"] for each in _asked(client, found, f"{base}/api/search?type=dash-db")}
        if unknown := sorted(set(uids) - set(there)):
            raise UsageError(f"there is no dashboard {', '.join(unknown)}", remedy=f"there is: {', '.join(there)}")
        folder.mkdir(parents=True, exist_ok=True)
        for uid in uids or there:
            model = _asked(client, found, f"{base}/api/dashboards/uid/{uid}")["dashboard"]
            file = folder / f"{uid}.png"
            address = f"{base}{there[uid]}" + (f"?from={start}&to=now" if start else "")
            take(program, address, file, WIDTH, _height(model))
            rows.append({"dashboard": uid, "file": str(file), "shown by": f"{service.name} {version}"})
    return rows


def _height(model: dict[str, Any]) -> int:
    from pointsman.board.layout import height

    return HEAD + height(model)


def _asked(client: Client, found: Declared, url: str) -> Any:
    import httpx

    from pointsman.http_client import worded

    try:
        return client.get(url).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        remedy = f"pointsman status --env {found.environment}"
        raise UnreachableError(f"{url} {worded(error)}", remedy=remedy) from error
