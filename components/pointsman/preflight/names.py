"""The names that the environment's containers, networks and volumes will have: none may be somebody else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pointsman.checks import Check, failed, not_verifiable, passed
from pointsman.preflight.engine import EngineFacts, Look, Thing
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


def check(whose: Owner, services: Sequence[Service], seen: Look) -> Check:
    """Whether the names are free or this environment's own."""
    if seen.facts is None:
        return not_verifiable(NAME, "no Docker engine answered")
    return judge(whose, services, seen.facts)


def judge(whose: Owner, services: Sequence[Service], facts: EngineFacts) -> Check:
    """The check, from facts alone."""
    taken = _named(whose.environment, services, facts)
    foreign = [(kind, thing) for kind, thing in taken if not whose.owns(thing.labels)]
    if not foreign:
        return passed(NAME, f"{len(taken)} in use, all by this environment" if taken else "all free")
    seen = "; ".join(f"the {kind} {thing.name} {whose.of(thing.labels)}" for kind, thing in foreign)
    commands = [
        f"{_REMOVE[kind]} {' '.join(thing.name for each, thing in foreign if each == kind)}"
        for kind in dict.fromkeys(kind for kind, _ in foreign)
    ]
    others = any(labels.ESTATE in thing.labels for _, thing in foreign)
    join = "set POINTSMAN_STATE_DIR to that estate's state directory if it is yours, " if others else ""
    loss = " (its data is lost)" if any(kind == "volume" for kind, _ in foreign) else ""
    return failed(
        NAME,
        seen,
        expected="names that are free or this environment's own",
        remedy=f"{join}give this environment another name (rename {whose.file}), "
        f"or remove what is there{loss}: {' && '.join(commands)}",
    )


def _named(environment: str, services: Sequence[Service], facts: EngineFacts) -> list[tuple[str, Thing]]:
    """Everything that has one of the environment's names already."""
    containers = {names.container(environment, each.name) for each in services}
    volumes = {names.config_volume(environment, each.name) for each in services if each.config}
    volumes |= {names.data_volume(environment, each.name) for each in services if each.data}
    return [
        *(("container", each) for each in facts.containers if each.name in containers),
        *(("network", each) for each in facts.networks if each.name == names.network(environment)),
        *(("volume", each) for each in facts.volumes if each.name in volumes),
    ]
