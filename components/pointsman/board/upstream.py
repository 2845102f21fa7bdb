"""Requests to the stores: bounded in time and size, and failures in words that a person understands."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

SECONDS = 10.0
"""From the first byte of a request to the last of its answer."""
LARGEST = 16 << 20
SHOWN = 300


class UpstreamError(Exception):
    """A store refused, or gave nothing that can be read; its text is for people."""


def new_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client for all threads. Nothing of the environment is asked for a proxy: stores are neighbours."""
    return httpx.Client(timeout=SECONDS, trust_env=False, transport=transport, limits=httpx.Limits(max_connections=32))


def ask(
    client: httpx.Client, url: str, parameters: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
) -> Any:
    """What a GET of `url` answers, as JSON; UpstreamError otherwise."""
    text = ask_text(client, url, parameters, headers=headers)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UpstreamError(f"{_place(url)} answered no JSON: {text[:SHOWN]}") from None


def ask_text(
    client: httpx.Client, url: str, parameters: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
) -> str:
    """The same as text."""
    until, parts, size = time.monotonic() + SECONDS, [], 0
    try:
        with client.stream("GET", url, params=dict(parameters), headers=dict(headers or {})) as answer:
            for part in answer.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > LARGEST:
                    raise UpstreamError(f"{_place(url)} answered more than {LARGEST >> 20} MiB: ask for less")
                if time.monotonic() > until:
                    raise UpstreamError(f"{_place(url)} took longer than {SECONDS:g} s")
    except httpx.TimeoutException:
        raise UpstreamError(f"{_place(url)} took longer than {SECONDS:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UpstreamError(f"{_place(url)}: {error or type(error).__name__}") from None
    text = b"".join(parts).decode("utf-8", "replace")
    if answer.is_success:
        return text
    raise UpstreamError(_refusal(text) or f"{_place(url)} answered {answer.status_code}")


def _place(url: str) -> str:
    return url.partition("?")[0]


def _refusal(text: str) -> str:
    """What a store says of a request that it refuses: Prometheus in `error`, the others in plain text."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()[:SHOWN]
    if isinstance(told, dict):
        kind, said = told.get("errorType", ""), told.get("error") or told.get("message") or ""
        return f"{kind}: {said}".strip(": ")[:SHOWN]
    return text.strip()[:SHOWN]
