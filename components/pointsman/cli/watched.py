"""Whose runs `pointsman runs` speaks of: those of a monitor.yaml, or those that an environment's monitor watches."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pointsman.errors import UsageError

if TYPE_CHECKING:
    from pointsman.monitor.remote import RemoteViews
    from pointsman.monitor.settings import Settings
    from pointsman.monitor.views import Views


@dataclass(frozen=True)
class Watched:
    """A store's settings. `address` is that of the monitor which runs in an `environment`; both empty without one."""

    settings: Settings
    environment: str = ""
    address: str = ""


def watched(config: Path | None, environment: str) -> Watched:
    """By the file that is named, else by monitor.yaml of this folder, else, in a checkout, by the environment; by the
    defaults at last. Raises SpecError, UsageError."""
    from pointsman.monitor import settings as reading

    if (
        config is None
        and not (Path.cwd() / reading.FILE).exists()
        and (found := _beside_the_stack(environment)) is not None
    ):
        return found
    return Watched(reading.read(config))


def _beside_the_stack(name: str) -> Watched | None:
    """That of an environment, where its monitor watches a file of this machine and this is its checkout."""
    from pointsman.monitor.settings import Settings
    from pointsman.paths import checkout
    from pointsman.spec.monitor import MonitorSpec
    from pointsman.spec.reader import read_environment

    try:
        root = checkout()
    except UsageError:
        return None
    if not Path.cwd().is_relative_to(root) or not (root / "stacks" / f"{name}.yaml").is_file():
        return None
    spec = read_environment(name)
    store = spec.monitor.own_file
    if store is None:
        return None
    return Watched(
        Settings(MonitorSpec(store=store, rerun=spec.monitor.rerun), root), name, spec.network.url(spec.ports.monitor)
    )


def remote(watched: Watched) -> RemoteViews | None:
    """What the environment's monitor shows; None where it is none of an environment."""
    from pointsman.monitor.remote import RemoteViews

    return RemoteViews(watched.address, f"pointsman verify --env {watched.environment}") if watched.address else None


@contextlib.contextmanager
def local(settings: Settings) -> Iterator[Views]:
    """What store and journal of this machine show."""
    from pointsman.monitor.journal import Journal
    from pointsman.monitor.sources import sources
    from pointsman.monitor.views import Views

    found = sources(settings)
    journal = Journal(settings.journal) if settings.journal.exists() else None
    try:
        yield Views(found, journal)
    finally:
        for each in found:
            each.close()
        if journal is not None:
            journal.close()


@contextlib.contextmanager
def views(config: Path | None, environment: str) -> Iterator[Views | RemoteViews]:
    """What there is to be shown."""
    found = watched(config, environment)
    if (elsewhere := remote(found)) is not None:
        yield elsewhere
        return
    with local(found.settings) as here:
        yield here
