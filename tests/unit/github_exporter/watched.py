"""A GitHub stand-in under watch: settings, a poller on a clock of its own, the page as values."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pointsman.github_exporter.page import families
from pointsman.github_exporter.polling import Poller
from pointsman.github_exporter.settings import Settings, load
from pointsman.metrics_page.families import text
from tests.standins.github_server.serving import Standin
from tests.standins.github_server.world import Job, Run, Workflow
from tests.unit.github.world import TOKEN

REPOSITORY = "acme/app"
KEEP = timedelta(minutes=5)
PREFIX = "pointsman_github_"


@dataclass
class Watching:
    """A stand-in, and the exporter's poller for it. `now` is the poller's clock."""

    standin: Standin
    folder: Path
    now: datetime

    @classmethod
    def at(cls, standin: Standin, folder: Path) -> Watching:
        """With a token file as it should be."""
        made = cls(standin, folder, datetime.now(UTC))
        made.token(TOKEN.reveal())
        return made

    @property
    def token_file(self) -> Path:
        return self.folder / "token"

    def token(self, value: str) -> None:
        """Puts this token into the file."""
        self.token_file.write_text(value)
        self.token_file.chmod(0o600)

    def settings_file(self, name: str = REPOSITORY, /, **more: object) -> Path:
        """Writes the settings."""
        path = self.folder / "settings.json"
        told = {"url": f"{self.standin.url}/{name}", "token_file": str(self.token_file), "listen": "127.0.0.1"}
        path.write_text(json.dumps(told | more))
        return path

    def settings(self, name: str = REPOSITORY, /, **more: object) -> Settings:
        """The settings, read."""
        return load(self.settings_file(name, **more))

    def poller(self, name: str = REPOSITORY, /, **more: object) -> Poller:
        """A poller that polls when it is told to."""
        return Poller(self.settings(name, **more), now=lambda: self.now)

    def page(self, poller: Poller) -> str:
        """The metrics as they are now."""
        return text(families(poller.state, self.now, KEEP))

    def values(self, poller: Poller, part: str = "") -> dict[str, float]:
        """Those whose names begin with `part`, without the prefix that all share."""
        found = re.findall(rf"^{PREFIX}({part}\S*(?:\{{.*\}})?) (\S+)$", self.page(poller), re.MULTILINE)
        return {name: float(value) for name, value in found}

    def polled(self, poller: Poller, part: str = "", after: float = 0.0) -> dict[str, float]:
        """Polls some seconds later; the values."""
        self.now += timedelta(seconds=after)
        poller.poll()
        return self.values(poller, part)

    def asked(self) -> list[str]:
        """The operations of the requests since the last time."""
        requests = self.standin.app.requests
        operations = [str(request["operation"]) for request in requests]
        requests.clear()
        return operations

    def queue(self, *jobs: Sequence[str], age: float = 0.0, repository: str = REPOSITORY) -> tuple[Run, list[Job]]:
        """Queues a run with a job for each set of labels."""
        world = self.standin.app.world
        each = tuple((f"job-{number}", tuple(labels), "true") for number, labels in enumerate(jobs))
        run = world.start(repository, Workflow("w.yml", "w", each), "push")
        made = world.jobs_of(run)
        for job in made:
            job.created -= timedelta(seconds=age)
        return run, made

    def enlist(self, name: str, *labels: str, shown: str = "online") -> None:
        """Registers a runner that the API tells to be online."""
        runner = self.standin.app.world.enlist(REPOSITORY, name, labels, version="2.336.0")
        runner.shown = shown
