"""What most verbs begin with: the spec of an environment and the services that it declares."""

from __future__ import annotations

from dataclasses import dataclass

from pointsman.identity import estate_id
from pointsman.images import Resolution, locked
from pointsman.services.estate import Estate, compose
from pointsman.spec.models import Environment
from pointsman.spec.reader import read_environment
from pointsman.targets.docker.engine import machine


@dataclass(frozen=True)
class Declared:
    """An environment as its spec and its locked images declare it."""

    id: str
    spec: Environment
    images: Resolution
    estate: Estate


def declared(environment: str) -> Declared:
    """Reads and composes; raises SpecError for a wrong spec, UsageError when its images were never made."""
    spec = read_environment(environment)
    images = locked(environment, spec)
    return Declared(estate_id(), spec, images, compose(environment, spec, images.agent, machine()))
