"""The names that the environment's containers, networks and volumes will have: none may be somebody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pointsman.checks import Check, failed, not_verifiable, passed
from pointsman.inventory import Host
from pointsman.preflight.engine import Look
from pointsman.preflight.facts import EngineFacts, Thing
from pointsman.services import labels
from pointsman.services.model import Service
from pointsman.targets.docker import names

NAME = "names"
_REMOVE = {"container": "docker rm -f", "network": "docker network rm", "volume": "docker volume rm"}


@dataclass(frozen=True)
class Owner:
    """Whose names these are: an environment of an estate."""

    estate: str
    environment: str

    @property
    def file(self) -> str:
        """The environment's spec, as people call it."""
        return f"stacks/{self.environment}.yaml"

    def owns(self, carried: Mapping[str, str]) -> bool:
        """Whether labels are this environment's."""
        return (carried.get(labels.ESTATE), carried.get(labels.ENVIRONMENT)) == (self.estate, self.environment)

    def of(self, carried: Mapping[str, str]) -> str:
        """Whose the labels are, as the end of a sentence on something that is not this environment's."""
        estate, environment = carried.get(labels.ESTATE), carried.get(labels.ENVIRONMENT, "?")
        if estate is None:
            return "was not made by Pointsman"
        if estate == self.estate:
            return f"belongs to environment {environment} of this estate"
        return f"belongs to environment {environment} of another estate, {estate}"


def check(whose: Owner, services: Sequence[Service], hosts: Sequence[Host], seen: Look) -> Check:
    """Whether the names are free or this environment's own; `hosts` are those that are containers."""
    if seen.facts is None:
        return not_verifiable(NAME, "no Docker engine answered")
    return judge(whose, services, hosts, seen.facts)


def judge(whose: Owner, services: Sequence[Service], hosts: Sequence[Host], facts: EngineFacts) -> Check:
    """The check, from facts alone."""
    taken = _named(whose.environment, services, hosts, facts)
    foreign = [(kind, thing) for kind, thing in taken if not whose.owns(thing.labels)]
    if not foreign:
        return passed(NAME, f"{len(taken)} in use, all by this environment" if taken else "all free")
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, thing in foreign:
        groups[whose.of(thing.labels), kind].append(thing.name)
    return failed(
        NAME,
        "; ".join(
            f"{kind} {found[0]} {owner}" if len(found) == 1 else f"{kind}s {', '.join(found)}: each {owner}"
            for (owner, kind), found in groups.items()
        ),
        expected="names that are free or this environment's own",
        remedy=f"rename {whose.file}, which gives this environment other names{_ways_out(whose, foreign)}",
    )


def _ways_out(whose: Owner, foreign: Sequence[tuple[str, Thing]]) -> str:
    """What else may be done; another estate is never offered for removal, only what nobody manages."""
    ways = ""
    if any(thing.labels.get(labels.ESTATE, whose.estate) != whose.estate for _, thing in foreign):
        ways += ", or, if the other estate is yours, set POINTSMAN_STATE_DIR to its state directory"
    stray = [(kind, thing.name) for kind, thing in foreign if labels.ESTATE not in thing.labels]
    if stray:
        commands = " && ".join(f"{_REMOVE[kind]} {name}" for kind, name in stray)
        loss = ", which deletes the data in it" if any(kind == "volume" for kind, _ in stray) else ""
        ways += f", or remove what Pointsman did not make{loss}: {commands}"
    return ways


def _named(
    environment: str, services: Sequence[Service], hosts: Sequence[Host], facts: EngineFacts
) -> list[tuple[str, Thing]]:
    """Everything that has one of the environment's names already."""
    containers = {names.container(environment, each.name) for each in services}
    containers |= {names.container(environment, each.name) for each in hosts}
    volumes = {names.config_volume(environment, each.name) for each in services if each.config}
    volumes |= {names.data_volume(environment, each.name) for each in services if each.data}
    return [
        *(("container", each) for each in facts.containers if each.name in containers),
        *(("network", each) for each in facts.networks if each.name == names.network(environment)),
        *(("volume", each) for each in facts.volumes if each.name in volumes),
    ]
