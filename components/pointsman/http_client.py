"""HTTP to the estate's own services: bounded waits, and failures in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpx import Client

# A healthy service answers each of the requests made here in milliseconds; a frozen one accepts them and says nothing.
REQUEST_SECONDS = 2.0
SHOWN_CHARACTERS = 200


def new_client() -> Client:
    """A client to be used for a whole run; the machine's proxies are not asked, since all addresses are its own."""
    import httpx

    return httpx.Client(timeout=REQUEST_SECONDS, trust_env=False)


def worded(error: Exception) -> str:
    """Why a request failed."""
    import httpx

    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {REQUEST_SECONDS:.0f} s"
    if isinstance(error, httpx.HTTPStatusError):
        return f"answered {error.response.status_code}: {error.response.text.strip()[:SHOWN_CHARACTERS]}"
    return str(error) or type(error).__name__
