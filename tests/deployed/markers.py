"""Log lines that nobody else writes, pushed to Loki and asked for again."""

from __future__ import annotations

import time
import uuid

from tests.deployed.estate import Estate, eventually


def log(estate: Estate) -> str:
    """Pushes a line with a label of its own to Loki's API, and returns its id once Loki gives it back."""
    marker = uuid.uuid4().hex
    line = [str(time.time_ns()), f"marker {marker}"]
    body = {"streams": [{"stream": {"marker": marker}, "values": [line]}]}
    estate.http.post(f"{estate.url('loki')}/loki/api/v1/push", json=body).raise_for_status()
    eventually(lambda: logged(estate, marker))
    return marker


def logged(estate: Estate, marker: str) -> bool:
    """Whether Loki has the line of that id."""
    found = estate.data("loki", "/loki/api/v1/query_range", query=f'{{marker="{marker}"}}')["result"]
    return any(value[1] == f"marker {marker}" for stream in found for value in stream["values"])
