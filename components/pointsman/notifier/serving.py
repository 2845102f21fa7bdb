"""The notifier put together: receivers at their paths, /healthz and /metrics."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pointsman.channels.console import ConsoleChannel
from pointsman.channels.delivering import NotDelivered
from pointsman.channels.discord import DiscordChannel
from pointsman.channels.github_issues import IssueChannel
from pointsman.channels.notification import Malformed, parse
from pointsman.channels.posting import in_file
from pointsman.github import read_token
from pointsman.metrics_page.families import text
from pointsman.metrics_page.serving import Handler, Page, PageServer
from pointsman.notifier.delivering import Desk, families
from pointsman.notifier.settings import Settings, load

# Five hundred alerts of a group are some 500 kB.
LARGEST = 8 << 20
CONNECTIONS = 64
# Longer than a delivery may wait and take: Alertmanager gives up first.
CONNECTION_SECONDS = 60.0


class NotifierHandler(Handler):
    """One request. What a receiver did not take is answered with 503, so that Alertmanager sends it again."""

    server: NotifierServer

    def do_POST(self) -> None:
        """Takes a notification for the receiver of the path."""
        desk = self.server.desks.get(self.path)
        if desk is None:
            self.answer(404, f"there is no receiver here; there are {', '.join(self.server.desks)}\n")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.answer(411, "a length is needed\n")
            return
        if int(length) > LARGEST:
            self.answer(413, f"at most {LARGEST} bytes\n")
            return
        try:
            notification = parse(self.rfile.read(int(length)), self.server.dashboards)
            desk.take(notification)
        except Malformed as error:
            desk.fail(NotDelivered("malformed", str(error)))
            self.answer(400, f"{error}\n")
        except NotDelivered as error:
            self.answer(503, f"{error.reason}: {error}\n")
        else:
            self.answer(200, "ok\n")


class NotifierServer(PageServer):
    """Takes Alertmanager's webhooks at the paths of `desks`."""

    handler = NotifierHandler
    connections = CONNECTIONS

    def __init__(self, settings: Settings, desks: dict[str, Desk]) -> None:
        self.desks = desks
        self.dashboards = settings.dashboards
        pages: dict[str, Page] = {
            "/metrics": lambda: (200, text(families(desks.values()))),
            "/healthz": lambda: (200, "ok\n"),
        }
        super().__init__(settings.listen, settings.port, pages, CONNECTION_SECONDS)


def desks(settings: Settings) -> Iterator[tuple[str, Desk]]:
    """Every receiver by its path."""
    yield "/console", Desk("console", ConsoleChannel().deliver, most_waiting=CONNECTIONS)
    for name, each in settings.github.items():
        issues = IssueChannel(each.scope, partial(read_token, each.token_file), each.labels)
        yield f"/github/{name}", Desk(f"github/{name}", issues.deliver)
    for name, url_file in settings.discord.items():
        yield f"/discord/{name}", Desk(f"discord/{name}", DiscordChannel(in_file("address", url_file)).deliver)


def server(settings_file: Path) -> PageServer:
    """The notifier, ready to serve. Raises UsageError and UnreachableError."""
    settings = load(settings_file)
    return NotifierServer(settings, dict(desks(settings)))
