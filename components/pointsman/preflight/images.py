"""The environment's images: locked and in Docker, or still to be made, and about how long that takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pointsman.builds import Build, Store
from pointsman.builds.estimate import initial_scale
from pointsman.checks import Check, not_verifiable, passed
from pointsman.errors import PointsmanError
from pointsman.images import catalogue as catalogues
from pointsman.images import lock as locks
from pointsman.images import packages
from pointsman.images.catalogue import Catalogue
from pointsman.images.failures import registry_host
from pointsman.images.housekeeping import rows
from pointsman.images.lock import UnreadableLock
from pointsman.images.locked import LOG_AGENT, required_services
from pointsman.preflight.engine import Look
from pointsman.services.estate import INSTEAD, OPTIONAL
from pointsman.spec.models import Environment

NAME = "images"
LEFT_OUT = "left out"  # an optional service that `up` does without


@dataclass(frozen=True)
class ImageFacts:
    """One service's image. `seconds` is what building it takes here, 0 where that is done or never needed.

    `host` is the registry that `up` asks for it, "" for none; `recipe` whether it can be built at all, `build` what has
    to be built if the registry is of no help.
    """

    service: str
    state: str
    seconds: float = 0.0
    host: str = ""
    build: Build | None = None
    recipe: bool = True

    @property
    def lacks(self) -> bool:
        """Whether `up` has something to do for it."""
        return self.state not in ("good", LEFT_OUT)


@dataclass(frozen=True)
class ImageLook:
    """All images of an environment. `unseen` says why nothing is known of them, `error` what stopped the look.

    `damaged` is what is wrong with the lock; `silent` are the registries that did not answer an earlier `up` and are
    not asked again, each with the reason; `seconds` is how long the look took.
    """

    images: tuple[ImageFacts, ...] = ()
    unseen: str = ""
    damaged: str = ""
    silent: Mapping[str, str] = field(default_factory=dict)
    error: PointsmanError | None = None
    seconds: float = 0.0

    @property
    def lacking(self) -> tuple[ImageFacts, ...]:
        """The images that are not there."""
        return tuple(each for each in self.images if each.lacks)


def look(environment: str, spec: Environment, seen: Look) -> ImageLook:
    """What is known of the images, for all checks that need it; a damaged lock is none, since `up` mends it."""
    if seen.facts is None:
        return ImageLook(unseen="no Docker engine answered")
    try:
        catalogue = catalogues.load()
        try:
            lock = locks.read(locks.path(environment)) or locks.Lock()
        except UnreadableLock as damaged:
            new = [_known(name, "unresolved", spec, spec.images.source, catalogue) for name in required_services(spec)]
            return ImageLook(_with_stand_ins(new, spec, catalogue), damaged=damaged.message)
        silent = lock.unreachable if spec.images.source == "auto" else {}
        found = [_known(row.service, row.state, spec, row.source, catalogue) for row in rows(environment, spec)]
        return ImageLook(_with_stand_ins(found, spec, catalogue), silent=silent)
    except PointsmanError as error:
        return ImageLook(unseen=error.message, error=error)


def _with_stand_ins(found: Sequence[ImageFacts], spec: Environment, catalogue: Catalogue) -> tuple[ImageFacts, ...]:
    """With what will stand in for those that are going to be left out, of which nothing is resolved yet."""
    there = {each.service for each in found}
    wanted = [INSTEAD[each.service] for each in found if each.state == LEFT_OUT and each.service in INSTEAD]
    new = [_known(name, "unresolved", spec, spec.images.source, catalogue) for name in wanted if name not in there]
    return (*found, *new)


def check(spec: Environment, found: ImageLook) -> Check:
    """What of the images is there; its seconds are those of the look that others share."""
    if found.error:
        raise found.error
    if found.unseen:
        return not_verifiable(NAME, found.unseen)
    if found.damaged:
        return passed(NAME, f"{found.damaged}; `pointsman up` resolves all images anew and keeps that file aside")
    return replace(judge(found.images, spec.images.source), seconds=found.seconds)


def judge(found: Sequence[ImageFacts], source: str) -> Check:
    """The check, from facts alone."""
    lacking = [each for each in found if each.lacks]
    absent = [each.service for each in found if each.state == LEFT_OUT]
    count, without = len(found) - len(absent), f"; left out: {', '.join(absent)}" if absent else ""
    if not lacking:
        return passed(NAME, f"{count} locked and in Docker{without}")
    seconds = sum(each.seconds for each in lacking)
    listed = ", ".join(f"{each.service} ({each.state})" for each in lacking)
    how = {"registry": "pulled", "packages": "built"}.get(source, "pulled, or built where the registry refuses,")
    time = "under a minute" if seconds < 60 else f"about {seconds / 60:.0f} min"
    length = {"registry": "", "packages": f" in {time}"}.get(source, f" in {time} if all are built")
    there = f"{count - len(lacking)} of {count} are there"
    return passed(NAME, f"{there}; `pointsman up` has the others {how}{length}: {listed}{without}")


def _known(name: str, state: str, spec: Environment, source: str, catalogue: Catalogue) -> ImageFacts:
    """One service's image with what it takes to have it; `source` is where it came from so far."""
    if state in ("good", LEFT_OUT):
        return ImageFacts(name, state)
    mode = spec.images.source
    # Of the two agents only Alloy is pulled where there is a choice, and only Promtail is ever built.
    official = catalogue.image("alloy" if name == LOG_AGENT else name).official
    service = catalogue.image("promtail" if name == LOG_AGENT else name)
    host = ""
    # What was built before is built again.
    if official and (mode == "registry" or (mode == "auto" and source != "packages")):
        host = registry_host(catalogues.in_registry(official.repository, spec.images.registry))
    if service.packages is None and mode == "packages" and name in OPTIONAL:
        return ImageFacts(name, LEFT_OUT)
    if service.packages is None or (mode == "registry" and host):
        return ImageFacts(name, state, host=host, recipe=service.packages is not None)
    build = packages.plan("promtail" if name == LOG_AGENT else name, service).build
    if Store().is_built(build):
        return ImageFacts(name, state, host=host)
    return ImageFacts(name, state, build.seconds * initial_scale(), host, build)
