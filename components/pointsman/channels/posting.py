"""A POST of JSON to an address that may be a secret, with bounded waits and failures in words that do not show it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from pointsman.channels.delivering import NotDelivered
from pointsman.errors import UsageError
from pointsman.github import Secret, read_secret

CONNECT_SECONDS, ANSWER_SECONDS = 4.0, 8.0
_POSTING = ContextVar("_POSTING", default=False)

Read = Callable[[], Secret]
"""Reads a secret, each time anew: a changed one needs no restart. Raises UsageError."""


def in_file(what: str, path: Path) -> Read:
    """A secret in a file; `what` is "address" or "password"."""
    return lambda: read_secret(what, path)


def in_variable(what: str, name: str) -> Read:
    """A secret in the environment variable called `name`."""
    return lambda: read_secret(what, environment=name)


def fetched(secret: Read) -> Secret:
    """The secret as it is now. Raises NotDelivered."""
    try:
        return secret()
    except UsageError as error:
        raise NotDelivered("secret", error.message) from None


def post(who: str, address: Read, body: Any, headers: Mapping[str, str] | None = None) -> None:
    """Posts `body` as JSON to `who`. Raises NotDelivered; the address, which may be a secret, is in no message."""
    import httpx

    url = fetched(address).reveal()
    seconds = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    logging.getLogger("httpx").addFilter(_not_while_posting)
    posting = _POSTING.set(True)
    try:
        # Without encryption it is an address nearby: no proxy.
        with httpx.Client(timeout=seconds, trust_env=url.startswith("https")) as client:
            answer = client.post(url, json=body, headers=dict(headers or {}))
    except httpx.TimeoutException as error:
        raise NotDelivered("timeout", f"{who} gave no answer in time ({type(error).__name__})") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotDelivered("unreachable", f"{who} cannot be reached ({type(error).__name__})") from None
    finally:
        _POSTING.reset(posting)
    _judge(who, answer.status_code, answer.headers)


def _not_while_posting(record: logging.LogRecord) -> bool:
    """httpx logs the address of every request at INFO; those of this module may be secrets."""
    return not _POSTING.get()


def _judge(who: str, status: int, headers: Mapping[str, str]) -> None:
    if 200 <= status < 300:
        return
    if status == 429:
        raise NotDelivered("limited", f"{who} wants to be left alone for {headers.get('retry-after', 'some')} s")
    if status >= 500:
        raise NotDelivered("server_error", f"{who} answered {status}")
    gone = ": the webhook is gone" if status in (401, 403, 404, 410) else ""
    raise NotDelivered("refused", f"{who} answered {status}{gone}")
