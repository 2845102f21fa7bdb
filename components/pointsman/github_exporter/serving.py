"""The exporter put together: settings, poll, pages."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pointsman.github import read_token
from pointsman.github_exporter.page import families
from pointsman.github_exporter.polling import Poller, now_utc
from pointsman.github_exporter.settings import Settings, load
from pointsman.metrics_page.families import text
from pointsman.metrics_page.serving import Page, PageServer

# Values outlive that many polls that failed: one that fails is no gap in a graph, a dead GitHub is one.
POLLS_KEPT = 5
SHORTEST_KEPT = timedelta(minutes=3)


def pages(settings: Settings, poller: Poller) -> dict[str, Page]:
    """/metrics, and /healthz: good from the first good poll on."""
    keep = max(POLLS_KEPT * timedelta(seconds=settings.interval), SHORTEST_KEPT)

    def healthz() -> tuple[int, str]:
        return (200, "ok\n") if poller.state.good_at else (503, f"no good poll yet: {poller.state.reason}\n")

    return {"/metrics": lambda: (200, text(families(poller.state, now_utc(), keep))), "/healthz": healthz}


def server(settings_file: Path) -> PageServer:
    """The exporter, polling and ready to serve. Raises UsageError and UnreachableError."""
    settings = load(settings_file)
    read_token(settings.token_file)
    poller = Poller(settings)
    started = PageServer(settings.listen, settings.port, pages(settings, poller))
    poller.start()
    return started
