"""What images an environment has, and removal of those that nothing needs any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from docker.errors import APIError

from pointsman.images import catalogue as catalogues
from pointsman.images import lock as locks
from pointsman.images import packages
from pointsman.images.engine import Engine
from pointsman.images.lock import Lock, Made
from pointsman.images.locked import LOG_AGENT, fits, left_out, required_services
from pointsman.services.estate import INSTEAD
from pointsman.spec.models import Environment

State = Literal["good", "stale", "missing", "unresolved", "left out"]


@dataclass(frozen=True)
class Row:
    """One service's image. `size` is in bytes, None while Docker does not have it.

    `state`: good; stale (spec, catalogue or recipe changed since); missing (Docker lost it); unresolved (never had);
    left out (an optional service whose image cannot be had; `label` says why).
    """

    service: str
    version: str
    source: str
    image_id: str
    label: str
    size: int | None
    state: State

    @property
    def present(self) -> bool:
        """Whether Docker has the image."""
        return self.size is not None


def rows(environment: str, spec: Environment) -> list[Row]:
    """The images of all services of a spec; nothing is changed, no registry asked."""
    lock = locks.read(locks.path(environment)) or Lock()
    catalogue, engine = catalogues.load(), Engine()
    found = []
    for wanted in required_services(spec):
        name = (lock.agent or LOG_AGENT) if wanted == LOG_AGENT else wanted
        if left_out(name, lock.absent, spec.images):
            found.append(Row(name, "", "", "", lock.absent[name], None, "left out"))
            if name not in INSTEAD:
                continue
            name = INSTEAD[name]
        entry = lock.services.get(name)
        if entry is None:
            version = "" if name == LOG_AGENT else catalogue.image(name).version
            found.append(Row(name, version, spec.images.source, "", "", None, "unresolved"))
            continue
        image, service = engine.inspect(entry.image_id), catalogue.image(name)
        fresh = fits(entry, service, spec.images)
        if fresh and isinstance(entry, Made):
            fresh = service.packages is not None and packages.plan(name, service).recipe == entry.recipe
        state: State = "stale" if not fresh else "good" if image else "missing"
        size = image.size if image else None
        found.append(Row(name, entry.version, entry.source, entry.image_id, entry.label, size, state))
    return found


def prune(keep: Iterable[str] = ()) -> list[str]:
    """Remove the tags of images made here that no lock, no container and no id in `keep` names; returns the tags.

    Raises UnreadableLock when a lock cannot be read: what it needs is not known. Built binaries stay in the store, from
    which an image is loaded again in seconds.
    """
    engine = Engine()
    # Listed before locks are read: an image that is loaded and locked meanwhile is not on the list.
    candidates = engine.made_here()
    needed = set(keep) | engine.in_use()
    for file in locks.every():
        lock = locks.read(file) or Lock()
        needed |= {entry.image_id for entry in lock.services.values()}
    removed = []
    for tag, image_id in sorted(candidates.items()):
        if image_id not in needed and _untag(engine, tag):
            removed.append(tag)
    return removed


def _untag(engine: Engine, tag: str) -> bool:
    """Take a tag away; a container that was created meanwhile keeps its image."""
    try:
        engine.untag(tag)
    except APIError:
        return False
    return True
