"""What may be declared of the runner hosts' side that is not theirs one by one: GitHub, the runner program, exporters.

The hosts themselves, with labels and addresses, are in inventory/<environment>/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pointsman.spec.base import ExporterResources, Misfit, Model, Resources
from pointsman.spec.scalars import Duration, HttpUrl, Size, duration_seconds
from pointsman.spec.secrets import Token, VariableName

STANDIN = "the GitHub stand-in"


class GitHub(Model):
    """Whose runners they are."""

    url: HttpUrl | None = Field(
        default=None,
        description="The repository or organisation, such as https://github.com/acme/app. Left out: a stand-in runs in "
        "the environment, so that all can be tried out without an account.",
    )
    api_url: HttpUrl | None = Field(default=None, description="The REST API, where it is at no usual place.")
    token: Token | None = Field(default=None, description="The token that registers runners and reads their state.")
    repositories: list[str] = Field(
        default_factory=list,
        description="Repositories (OWNER/NAME) whose queues are watched, where the runners are an organisation's.",
    )

    def misfits(self) -> Iterator[Misfit]:
        """A place without its token; a token without its place."""
        if (self.url is None) != (self.token is None):
            given, missing = ("url", "token") if self.url else ("token", "url")
            yield Misfit(
                keys=((given,),),
                problem=f"{given} is declared without {missing}",
                expected=f"{missing} as well, or neither: then {STANDIN} is used",
            )
        if self.api_url and not self.url:
            yield Misfit(keys=(("api_url",),), problem="api_url is declared without url", expected="url as well")


VersionNumber = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$"),
    Field(json_schema_extra={"patternErrorMessage": "expected three numbers, such as 2.336.0"}),
]


class Newest(Model):
    """The newest release of the runner program that you know of: GitHub serves others for 30 days after it."""

    version: VersionNumber = Field(description="Its version.")
    released: Annotated[
        str,
        StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"),
        Field(json_schema_extra={"patternErrorMessage": "expected a day, such as 2026-11-21"}),
    ] = Field(description="The day that its page shows, in quotes.")


class Package(Model):
    """The archive of the runner program, as GitHub publishes it or a mirror of yours has it."""

    url: HttpUrl = Field(description="Where hosts download it.")
    sha256: Annotated[
        str,
        StringConstraints(pattern=r"^[0-9a-f]{64}$"),
        Field(json_schema_extra={"patternErrorMessage": "expected a SHA-256: 64 of 0-9 and a-f"}),
    ] = Field(description="Its checksum: hosts install nothing else.")
    version: VersionNumber = Field(
        description="Its version: GitHub stops serving a release 30 days after the next one."
    )
    newest: Newest | None = Field(
        default=None,
        description="What the days until GitHub refuses this version are counted from. Left out: they are not.",
    )


class HostResources(Resources):
    """Limits of a test host."""

    memory: Size = Field(default="1GiB", description="The most memory the container may use.")
    cpus: float = Field(default=2.0, gt=0, le=64, description="Share of cores, such as 0.5.")


class GitHubExporter(Model):
    """The exporter that asks GitHub: runners online and busy, queues, secrets' age, rate limit."""

    enabled: bool = Field(default=True, description="false leaves it out.")
    interval: Duration = Field(default="30s", description="How often GitHub is asked, at least 10s.")
    secrets: list[VariableName] = Field(default_factory=list, description="Actions secrets whose age is watched.")
    resources: ExporterResources = ExporterResources(memory="96MiB")

    def misfits(self) -> Iterator[Misfit]:
        """An interval that would eat the rate limit."""
        if duration_seconds(self.interval) < 10:
            yield Misfit(
                keys=(("interval",),),
                problem=f"interval {self.interval} takes more of the rate limit than runners need",
                expected="at least 10s",
            )


class Runners(Model):
    """The runner hosts of inventory/<environment>/ and what they run for."""

    hosts: Literal["none", "containers", "machines"] = Field(
        default="none",
        description="none: the environment has no runner hosts; machines: those of the inventory, over SSH; "
        "containers: each of them is a systemd container made here, which plays cannot tell from a machine.",
    )
    github: GitHub = GitHub()
    package: Package | None = Field(
        default=None, description="The runner program. Left out with the stand-in: a stand-in for it as well."
    )
    loki: HttpUrl | None = Field(
        default=None,
        description="Loki as the hosts reach it. Left out: its name for containers; for machines the address of "
        "network.bind, and no logs where that is loopback.",
    )
    exporter: GitHubExporter = GitHubExporter()
    container: HostResources = HostResources()

    @property
    def has_standin(self) -> bool:
        """Whether the environment runs the GitHub stand-in."""
        return self.hosts != "none" and self.github.url is None

    def misfits(self) -> Iterator[Misfit]:
        """Real runners without a program, machines for a stand-in that they cannot reach."""
        if self.hosts == "none":
            return
        if self.github.url and self.package is None:
            yield Misfit(
                keys=(("github", "url"),),
                problem="GitHub is declared without a runner program",
                expected="package",
            )
        if self.hosts == "machines" and self.github.url is None:
            yield Misfit(
                keys=(("hosts",),),
                problem=f"machines cannot reach {STANDIN}, which runs in the environment's own network",
                expected="github.url and github.token, or hosts: containers",
            )
