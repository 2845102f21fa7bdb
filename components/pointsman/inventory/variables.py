"""What may be written of a host: one flat set of variables, so that group_vars and host_vars replace them one by one.

Ansible's own variables say how a host is reached; the others are those of the roles. Every default is here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from pointsman.spec.base import Misfit, Model
from pointsman.spec.scalars import Duration, HttpUrl, Port, Size

ROUTING_LABEL = "deploy-active"
"""Moved by the fleet controller from runner to runner, so no host can be said to have it."""
SECRETS = frozenset({"ansible_become_password"})
"""Values that are only told to be there: Ansible takes them from the inventory at the time of a play."""
OWN_PREFIXES = ("x_", "vault_")
"""What a variable that only other variables use begins with."""
ADDRESS_KEY = "ansible_host"
ORDINARY_PORT = 22

_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_DOTTED = re.compile(r"[0-9.]+")

Schema = dict[str, Any]


def is_host_name(text: str) -> bool:
    """Whether a text can be a host's name: small letters, digits, hyphens and dots, as DNS has it."""
    return _HOST_NAME.fullmatch(text) is not None and not _DOTTED.fullmatch(text)


def is_network(text: str) -> bool:
    """Whether a text is an IP address or a network, such as 10.0.0.0/16."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _routing_label_is_not_ours(text: str) -> str:
    if text.lower() == ROUTING_LABEL:
        raise ValueError(f"{text} is moved by the fleet controller; expected another label")
    return text


def _reachable(text: str) -> str:
    if not (is_host_name(text) or is_network(text)):
        raise ValueError("expected a host name or an address, such as build-1.example.org")
    return text


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected text of one line without control characters")
    return text


def _words(pattern: str, words: str) -> Any:
    """A pattern with its meaning."""
    return Field(pattern=pattern, json_schema_extra={"patternErrorMessage": f"expected {words}"})


RunnerName = Annotated[
    str, _words(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "a runner name: letters, digits, . _ and -, at most 64")
]
Label = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"),
    AfterValidator(_routing_label_is_not_ours),
    Field(json_schema_extra={"patternErrorMessage": "expected a label: letters, digits, . _ and -, at most 100"}),
]
Folder = Annotated[
    str,
    _words(
        r"^(/[A-Za-z0-9_][A-Za-z0-9._-]*){2,}$", "a folder from the root, below its first level, such as /srv/runner"
    ),
]
Program = Annotated[
    str, _words(r"^(/[A-Za-z0-9_][A-Za-z0-9._-]*){2,}$", "a program's path from the root, such as /usr/bin/python3")
]
User = Annotated[str, _words(r"^[a-z_][a-z0-9_-]{0,31}$", "an account: small letters, digits, _ and -, at most 32")]
Reachable = Annotated[
    str,
    AfterValidator(_reachable),
    Field(json_schema_extra={"patternErrorMessage": "expected a host name or an address, such as build-1.example.org"}),
]
OneLine = Annotated[str, AfterValidator(_one_line)]
Sha256 = Annotated[str, _words(r"^[0-9a-f]{64}$", "a SHA-256: 64 of 0-9 and a-f")]
Version = Annotated[str, _words(r"^[0-9]+\.[0-9]+\.[0-9]+$", "a version of three numbers, such as 2.329.0")]


class HostVariables(Model):
    """The variables of one host, as inventory, group_vars and host_vars give them together."""

    ansible_host: Reachable | None = Field(
        default=None, description="Where the host is reached. Left out: by its name. The only place for an address."
    )
    ansible_port: Port = Field(default=ORDINARY_PORT, description="The port of SSH.")
    ansible_user: User | None = Field(
        default=None, description="The account that plays log in with. Every host needs it."
    )
    ansible_ssh_private_key_file: OneLine | None = Field(
        default=None, description="The key that plays log in with. Left out: what SSH finds by itself."
    )
    ansible_ssh_common_args: OneLine | None = Field(
        default=None, description="Further arguments of ssh, such as -o ProxyJump=bastion.example.org."
    )
    ansible_become_password: OneLine | None = Field(
        default=None,
        description="The password of sudo, encrypted by ansible-vault or from the environment, never in clear. "
        "Left out: sudo asks for none.",
    )
    ansible_python_interpreter: Program | None = Field(
        default=None, description="The Python on the host. Left out: what Ansible finds."
    )
    runner_name: RunnerName | None = Field(
        default=None, description="The runner's name at GitHub. Left out: the host's name."
    )
    runner_labels: list[Label] = Field(
        default_factory=list,
        max_length=100,
        description="The labels that jobs ask for, beside GitHub's own (self-hosted, system, processor).",
    )
    runner_mode: Literal["persistent", "ephemeral"] = Field(
        default="persistent",
        description="persistent: takes job after job; ephemeral: registered anew for each job.",
    )
    runner_profile: Literal["strict", "docker"] = Field(
        default="strict",
        description="The runner's sandbox. docker is looser: for jobs that need a Docker daemon or user namespaces.",
    )
    runner_work_folder: Folder = Field(default="/srv/runner/work", description="Where jobs check out and build.")
    runner_min_free: Size = Field(
        default="2GiB", description="Below this much free space of the work folder, old work is removed between jobs."
    )
    runner_drain_timeout: Duration = Field(
        default="30m", description="How long a running job is waited for before its runner is taken away."
    )
    runner_package_url: HttpUrl | None = Field(
        default=None, description="The runner's archive for this host, instead of the one that the spec names."
    )
    runner_package_sha256: Sha256 | None = Field(default=None, description="The checksum of that archive.")
    runner_package_version: Version | None = Field(default=None, description="The version of that archive.")
    exporters_enabled: list[Literal["node", "runner"]] | None = Field(
        default=None,
        description="What is scraped on the host. Left out: node, and runner where there is one; only for hosts in "
        "monitored.",
    )
    exporters_node_port: Port = Field(default=9100, description="The port of the node exporter.")
    exporters_runner_port: Port = Field(default=9101, description="The port of the runner exporter.")
    firewall_ssh_from: list[Reachable] = Field(
        default_factory=list,
        description="Who may log in: host names, or addresses from the environment. Empty: everyone who reaches it.",
    )
    firewall_scrape_from: list[Reachable] = Field(
        default_factory=list,
        description="Who may scrape: host names, or addresses from the environment. Empty: everyone who reaches it.",
    )

    def misfits(self) -> Iterator[Misfit]:
        """A package told by halves, things told twice, and exporters on one port."""
        package = {key: value for key, value in self if key.startswith("runner_package_")}
        missing = [key for key, value in package.items() if value is None]
        if 0 < len(missing) < len(package):
            yield Misfit(
                keys=tuple((key,) for key in package if key not in missing),
                problem=f"{' and '.join(missing)} of the package {'is' if len(missing) == 1 else 'are'} missing",
                expected="all of " + ", ".join(package) + ", or none",
            )
        counts = Counter(label.lower() for label in self.runner_labels)
        for place, label in enumerate(self.runner_labels):
            if counts[label.lower()] > 1:
                yield Misfit(
                    keys=(("runner_labels", place),),
                    problem=f"the label {label} stands {counts[label.lower()]} times",
                    expected="each label once; GitHub does not tell A from a",
                )
        if self.exporters_node_port == self.exporters_runner_port:
            yield Misfit(
                keys=(("exporters_runner_port",), ("exporters_node_port",)),
                problem=f"both exporters take the same port {self.exporters_node_port}",
                expected="a port of its own for each",
            )


NAMES = tuple(HostVariables.model_fields)


@lru_cache(maxsize=1)
def _properties() -> dict[str, Schema]:
    properties: dict[str, Schema] = HostVariables.model_json_schema()["properties"]
    return {name: _plain(schema) for name, schema in properties.items()}


def _plain(schema: Schema) -> Schema:
    """Without `null`, which stands for a value that is left out, and which nobody writes."""
    branches = [branch for branch in schema.get("anyOf", []) if branch.get("type") != "null"]
    if len(branches) != 1:
        return schema
    return {**{key: value for key, value in schema.items() if key != "anyOf"}, **branches[0]}


def schema_at(at: tuple[str | int, ...]) -> Schema | None:
    """The schema of a variable, or of what stands in its list; None where nothing is known."""
    schema = _properties().get(str(at[0])) if at else None
    for _ in at[1:]:
        schema = (schema or {}).get("items")
    return schema
