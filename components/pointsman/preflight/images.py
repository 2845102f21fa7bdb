"""The environment's images: locked and in Docker, or still to be made, and about how long that takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pointsman.builds import Store
from pointsman.builds.estimate import initial_scale
from pointsman.checks import Check, not_verifiable, passed
from pointsman.images import LOG_AGENT, Row, packages, rows
from pointsman.images import catalogue as catalogues
from pointsman.images.lock import UnreadableLock
from pointsman.preflight.engine import Look
from pointsman.spec.models import Environment

NAME = "images"


@dataclass(frozen=True)
class ImageFacts:
    """One service's image; `seconds` is what building it takes here, 0 where that is done or never needed."""

    service: str
    state: str
    seconds: float = 0.0


def check(environment: str, spec: Environment, seen: Look) -> Check:
    """What of the images is there; a damaged lock is none, since `up` mends it."""
    if seen.facts is None:
        return not_verifiable(NAME, "no Docker engine answered")
    try:
        found = rows(environment, spec)
    except UnreadableLock as damaged:
        return passed(NAME, f"{damaged.message}; `pointsman up` resolves all images anew and keeps that file aside")
    return judge([_facts(row) for row in found], spec.images.source)


def judge(found: Sequence[ImageFacts], source: str) -> Check:
    """The check, from facts alone."""
    lacking = [each for each in found if each.state != "good"]
    if not lacking:
        return passed(NAME, f"{len(found)} locked and in Docker")
    seconds = sum(each.seconds for each in lacking)
    listed = ", ".join(f"{each.service} ({each.state})" for each in lacking)
    how = {"registry": "pulled", "packages": "built"}.get(source, "pulled, or built where the registry refuses,")
    time = "under a minute" if seconds < 60 else f"about {seconds / 60:.0f} min"
    length = {"registry": "", "packages": f" in {time}"}.get(source, f" in {time} if all are built")
    there = f"{len(found) - len(lacking)} of {len(found)} are there"
    return passed(NAME, f"{there}; `pointsman up` has the others {how}{length}: {listed}")


def _facts(row: Row) -> ImageFacts:
    if row.state == "good":
        return ImageFacts(row.service, row.state)
    # Of the two agents only this one is ever built.
    name = "promtail" if row.service == LOG_AGENT else row.service
    service = catalogues.load().service(name)
    if service.packages is None:
        return ImageFacts(row.service, row.state)
    build = packages.plan(name, service).build
    seconds = 0.0 if Store().is_built(build) else build.seconds * initial_scale()
    return ImageFacts(row.service, row.state, seconds)
