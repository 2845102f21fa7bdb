"""What may be declared of runs of GitHub Actions that the monitor watches beside those of the store."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pointsman.spec.base import Misfit, Model
from pointsman.spec.receivers import RepositoryName
from pointsman.spec.scalars import Duration, HttpUrl, ServerUrl, duration_seconds
from pointsman.spec.secrets import Token

LEAST_INTERVAL = "5s"


class GitHubRuns(Model):
    """A repository whose runs of workflows are watched."""

    repository: RepositoryName = Field(description="The repository, such as acme/app.")
    token: Token = Field(description="A token with the right to read its Actions.")
    interval: Duration = Field(default="15s", description=f"How often GitHub is asked, at least {LEAST_INTERVAL}.")
    server: ServerUrl = Field(default="https://github.com", description="The server that the repository is on.")
    api_url: HttpUrl | None = Field(default=None, description="Its REST API, where it is at no usual place.")

    def misfits(self) -> Iterator[Misfit]:
        """An interval that GitHub would answer with its secondary rate limit."""
        if duration_seconds(self.interval) < duration_seconds(LEAST_INTERVAL):
            yield Misfit(
                keys=(("interval",),),
                problem=f"interval {self.interval} asks GitHub more often than it allows",
                expected=f"at least {LEAST_INTERVAL}",
            )
