"""How far this host's clock is from GitHub's, by the `Date` of an HTTP answer.

That is the difference that counts: GitHub refuses a runner's sign-in when its clock is minutes off. The kernel's own
word (adjtimex) is no help without a time daemon, is shut off by the unit's sandbox, and node_exporter tells it already.
`Date` has whole seconds, so the offset is known to half a second and half of the way there and back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from pointsman.metrics_page.families import Family, one

SECONDS = 5.0
_AGENT = "pointsman-runner-exporter"


def read(url: str, asked: Callable[[str], str] | None = None, now: Callable[[], float] = time.time) -> list[Family]:
    """The offset from the clock of `url`; nothing without a URL. Raises OSError or ValueError when it does not tell."""
    if not url:
        return []
    before = now()
    date = (asked or _asked)(url)
    after = now()
    # The answer was dated between the two, and within the second that it names.
    offset = (before + after) / 2 - (parsedate_to_datetime(date).timestamp() + 0.5)
    return [
        one("pointsman_runner_clock_offset_seconds", "This clock less GitHub's.", round(offset, 3)),
        one(
            "pointsman_runner_clock_offset_error_seconds",
            "How far the offset may be wrong either way.",
            round(0.5 + (after - before) / 2, 3),
        ),
    ]


def _asked(url: str) -> str:
    """The `Date` of the answer to a HEAD, whatever its status is; a redirect is an answer."""
    from urllib.error import HTTPError
    from urllib.parse import urlsplit
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *arguments: Any, **named: Any) -> None:
            """Goes nowhere else."""

    split = urlsplit(url)
    request = Request(f"{split.scheme}://{split.netloc}/", method="HEAD", headers={"User-Agent": _AGENT})
    headers: Message
    try:
        with build_opener(Stay).open(request, timeout=SECONDS) as answer:
            headers = answer.headers
    except HTTPError as error:
        headers = error.headers
        error.close()
    if not headers.get("Date"):
        raise ValueError(f"{url} tells no Date")
    return str(headers["Date"])
