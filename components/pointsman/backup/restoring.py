"""Restoring data: a whole, checked backup into an environment's volumes, its own or another's.

Docker cannot empty a volume without running something in it, and services' images have nothing to run. So a volume is
not overwritten but made anew: its containers are removed, it is removed, made again and filled, and the next `up` makes
the containers again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointsman.backup import journal, stores
from pointsman.backup.alone import alone
from pointsman.backup.guard import Guard
from pointsman.backup.journal import Journal
from pointsman.backup.model import Backup, Reporter, VolumeCopy
from pointsman.backup.reading import volumes
from pointsman.backup.stores import Store
from pointsman.backup.tree import below
from pointsman.declared import Declared
from pointsman.errors import PointsmanError, UsageError
from pointsman.targets.docker.engine import connect, containers

if TYPE_CHECKING:
    from docker import APIClient


@dataclass(frozen=True)
class Restored:
    """The services whose data is that of the backup now; `was_up` tells whether the environment had containers."""

    services: tuple[str, ...]
    was_up: bool
    findings: tuple[str, ...]


def restore(backup: Backup, environment: Declared, reporter: Reporter, *, force: bool) -> Restored:
    """Puts the backup's data in place of the environment's; its containers that use it are gone afterwards.

    Without `force`, raises UsageError when any of the volumes holds data. After a failure or a kill the environment is
    marked: nothing starts on half a volume, and the same restore finishes it without `force`.
    """
    pairs, findings = match(backup, environment)
    name = environment.environment
    unfinished = journal.read(name)
    with alone(name), connect(stores.TRANSFER_SECONDS) as client, Guard() as guard:
        begun = set(unfinished.volumes) if unfinished else set()
        full = _full(client, [store for store, _ in pairs.values() if store.volume not in begun], guard)
        if full and not force:
            raise UsageError(
                f"there is data already in {', '.join(full)}; nothing was touched",
                remedy=f"back it up first if it is worth it (pointsman backup --env {name}), then add --force",
            )
        was_up = bool(containers(client, environment.estate_id, name)) or bool(unfinished and unfinished.was_up)
        every = [store.volume for store, _ in pairs.values()]
        journal.begin(name, Journal(str(backup.path.absolute()), every, was_up))
        try:
            with stores.failures_in_words("a volume was not filled"):
                _replace(client, backup, pairs, guard, reporter)
        except PointsmanError as error:
            raise _cut_off(name, backup, error) from error
        journal.end(name)
    return Restored(tuple(copy.service for _, copy in pairs.values()), was_up, tuple(findings))


def _full(client: APIClient, wanted: list[Store], guard: Guard) -> list[str]:
    """The volumes that hold data; raises PointsmanError when one of them is not ours alone."""
    there = [each for each in wanted if stores.exists(client, each)]
    for each in there:
        stores.users(client, each)
    return [each.volume for each in there if stores.holds_data(client, each, guard)]


def match(backup: Backup, environment: Declared) -> tuple[dict[str, tuple[Store, VolumeCopy]], list[str]]:
    """Which member goes into which volume, by member, and what is to be said of those that go nowhere.

    Raises UsageError when nothing of the backup has a place in the environment.
    """
    there = stores.stores(environment)
    pairs, findings = {}, []
    for copy in backup.manifest.volumes:
        store, was = there.get(copy.service), backup.manifest.version(copy.service)
        if store is None:
            findings.append(f"{copy.service} is not in {environment.environment}: its data stays in the backup")
            continue
        image = environment.images.images[store.service.image]
        if was and was.kind != store.service.image:
            findings.append(
                f"{copy.service} was {was.kind} and is {store.service.image} in {environment.environment}: "
                "its data stays in the backup"
            )
            continue
        if was and was.version != image.version:
            findings.append(f"{copy.service} was version {was.version}, and is {image.version} here")
        pairs[copy.member.name] = (store, copy)
    if not pairs:
        raise UsageError(
            f"no service of {environment.environment} has data in {backup.path.name}",
            remedy=f"restore it into an environment like {backup.manifest.environment}",
        )
    without = [name for name in there if name not in {copy.service for _, copy in pairs.values()}]
    findings += [f"{name} has no data in the backup: it keeps its own" for name in without]
    return pairs, findings


def _replace(
    client: APIClient,
    backup: Backup,
    pairs: dict[str, tuple[Store, VolumeCopy]],
    guard: Guard,
    reporter: Reporter,
) -> None:
    # All stand still before the first is changed, those that others write to last: the agent before Loki.
    for store, _ in reversed(pairs.values()):
        stores.remove_users(client, store)
    for member, source in volumes(backup, reporter):
        if member not in pairs:
            continue
        store, copy = pairs[member]
        reporter.begin(f"restoring {copy.service}")
        if stores.exists(client, store):
            client.remove_volume(store.volume)
        stores.make(client, store)
        with stores.opened(client, store, guard):
            stores.write(client, store, below(source, copy.root, store.directory.name))
        reporter.end(f"{copy.member.size / 1e6:.1f} MB, {copy.files} files")


def _cut_off(environment: str, backup: Backup, error: PointsmanError) -> PointsmanError:
    return PointsmanError(
        f"the restore into {environment} stopped before its end: {error.message}",
        detail=error.detail,
        remedy=f"{error.remedy}; then pointsman restore {backup.path} --env {environment}, which finishes it",
    )
