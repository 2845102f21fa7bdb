"""HTTP to the estate's own services: bounded waits, and failures in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpx import Client, TimeoutException

# A healthy service answers each of the requests made here in milliseconds; a frozen one accepts them and says nothing.
REQUEST_SECONDS = 2.0
SHOWN_CHARACTERS = 200


def new_client(seconds: float = REQUEST_SECONDS) -> Client:
    """A client to be used for a whole run, which waits that long for an answer.

    The machine's proxies are not asked, since all addresses are its own.
    """
    import ssl

    import httpx

    # None of these addresses is https: the machine's certificates, which take 0.1 s to load, are left out.
    return httpx.Client(timeout=seconds, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def worded(error: Exception) -> str:
    """Why a request failed."""
    import httpx

    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {_patience(error):.1f} s"
    if isinstance(error, httpx.HTTPStatusError):
        return f"answered {error.response.status_code}: {error.response.text.strip()[:SHOWN_CHARACTERS]}"
    return str(error) or type(error).__name__


def _patience(error: TimeoutException) -> float:
    """The seconds that the request was given."""
    try:
        allowed = error.request.extensions.get("timeout", {})
    except RuntimeError:  # an error that was raised before there was a request
        return REQUEST_SECONDS
    return float(allowed.get("read") or REQUEST_SECONDS)
