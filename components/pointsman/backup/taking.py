"""Taking a backup: each store is copied while its service stands still, one service after the other.

A service is stopped only while its volume is copied to this machine's disk; all else, compression above all, comes
after it runs again.
"""

from __future__ import annotations

import errno
import os
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pointsman.backup import stores
from pointsman.backup.alone import alone
from pointsman.backup.guard import Guard, start_again
from pointsman.backup.journal import refuse_unfinished
from pointsman.backup.model import (
    FORMAT,
    LOCK,
    STATE,
    Manifest,
    Member,
    Reporter,
    ServiceVersion,
    VolumeCopy,
    volume_member,
)
from pointsman.backup.stores import Store
from pointsman.backup.tree import UnsafeTree, survey
from pointsman.backup.writing import Writer
from pointsman.declared import Declared
from pointsman.errors import PointsmanError, UnreachableError, UsageError
from pointsman.images import lock as image_lock
from pointsman.paths import checkout, state_dir
from pointsman.resources.provider.kinds import Cancellation
from pointsman.resources.provider.waiting import until_ready
from pointsman.targets.docker.engine import connect, inspect

if TYPE_CHECKING:
    from docker import APIClient

STEADY_SECONDS = 20.0


@dataclass(frozen=True)
class Copied:
    """One volume in a backup: bytes of its tar, and the seconds that its service was stopped for."""

    service: str
    volume: str
    bytes: int
    stopped: float


@dataclass(frozen=True)
class Taken:
    """A backup that was made; `size` is that of the file, in bytes."""

    file: Path
    size: int
    volumes: tuple[Copied, ...]
    manifest: Manifest


def target(environment: str, wanted: Path | None, now: datetime) -> Path:
    """The file to write: `wanted`, a new one in it where it is a folder, or one in the state directory.

    Raises UsageError when the file is there already or its folder is not.
    """
    name = f"pointsman-{environment}-{now:%Y%m%dT%H%M%SZ}.tar.gz"
    if wanted is None:
        wanted = state_dir() / "backups"
        wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (wanted / name if wanted.is_dir() else wanted).absolute()
    if file.exists():
        raise UsageError(f"{file} exists already; a backup overwrites nothing", remedy="give --to another name")
    if not os.access(file.parent, os.W_OK):
        raise UsageError(f"nothing can be written into {file.parent}", remedy="give --to a folder that you may write")
    return file


def take(environment: Declared, spec: str, state: bytes | None, file: Path, reporter: Reporter) -> Taken:
    """Makes a backup of an environment as `file`, which appears whole or not at all.

    `spec` is the resolved spec, `state` what `pulumi stack export` says, None where there is no state. Raises
    PointsmanError when a volume cannot be copied, UnreachableError when the disk is full.
    """
    refuse_unfinished(environment.environment)
    with (
        stores.failures_in_words("the backup was not made"),
        alone(environment.environment),
        connect(stores.TRANSFER_SECONDS) as client,
        Guard() as guard,
        _workspace(file, guard) as folder,
    ):
        there = [each for each in stores.stores(environment).values() if stores.exists(client, each)]
        if not there:
            raise UsageError(f"environment {environment.environment} has no data volumes yet", remedy=environment.apply)
        copies = [_copy(client, environment, each, folder, guard, reporter) for each in there]
        return _assemble(environment, spec, state, copies, folder / file.name, file, reporter)


@dataclass(frozen=True)
class _Copy:
    store: Store
    file: Path
    size: int
    root: str
    files: int
    stopped: float


@contextmanager
def _workspace(file: Path, guard: Guard) -> Iterator[Path]:
    """A folder beside the file, gone afterwards; what a full disk refuses is said in words."""
    folder = Path(tempfile.mkdtemp(prefix=f".{file.name}.", dir=file.parent))
    with guard.over("folder", str(folder)):
        try:
            yield folder
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise UnreachableError(
                f"the disk of {file.parent} is full: the backup was not made",
                remedy="free space, or give --to a folder on another disk",
            ) from error
        finally:
            for left in folder.iterdir():
                left.unlink()
            folder.rmdir()


def _copy(
    client: APIClient, environment: Declared, store: Store, folder: Path, guard: Guard, reporter: Reporter
) -> _Copy:
    name = store.service.name
    file = folder / f"{name}.tar"
    reporter.begin(f"copying {name}")
    with (
        stores.opened(client, store, guard),
        file.open("xb") as out,
        _stopped(client, environment, store, guard) as seconds,
    ):
        for chunk in stores.read(client, store):
            out.write(chunk)
            reporter.advance(len(chunk))
    with file.open("rb") as copy:
        try:
            found = survey(copy)
        except UnsafeTree as error:
            raise PointsmanError(
                f"the volume {store.volume} {error.message}: it cannot be restored",
                remedy=f"remove it from the volume, or leave {name} out of the environment",
            ) from error
    size = file.stat().st_size
    reporter.end(f"{size / 1e6:.1f} MB, {found.files} files; stopped for {seconds():.1f} s")
    return _Copy(store, file, size, found.root, found.files, round(seconds(), 2))


@contextmanager
def _stopped(client: APIClient, environment: Declared, store: Store, guard: Guard) -> Iterator[Callable[[], float]]:
    """The service stands still meanwhile, and is ready again afterwards; one that does not run is left so.

    Gives a clock of the time without the service: from before the stop until it is ready.
    """
    spent = [0.0]
    running = inspect(client, environment.plans[store.service.name].name)
    if running is None or running.status != "running":
        yield lambda: spent[0]
        return
    began = time.monotonic()
    with guard.over("stopped", running.id) as undone:
        try:
            client.stop(running.id)
            yield lambda: spent[0]
        finally:
            start_again(client, running.id)
            undone()
    probe = store.service.ready
    url = f"{environment.url(store.service, probe.on)}{probe.path}" if probe else ""
    until_ready(client, running.id, url, probe.timeout if probe else STEADY_SECONDS, Cancellation())
    spent[0] = time.monotonic() - began


def _assemble(
    environment: Declared,
    spec: str,
    state: bytes | None,
    copies: list[_Copy],
    partial: Path,
    file: Path,
    reporter: Reporter,
) -> Taken:
    """Packs the copies, and gives the whole file its name."""
    lock = image_lock.path(environment.environment).read_bytes()
    reporter.begin(f"packing {file.name}", sum(each.size for each in copies))
    with Writer(partial, reporter.advance) as writer:
        members: dict[str, Member] = {}
        for each in copies:
            members[each.store.volume] = writer.add_file(volume_member(each.store.service.name), each.file)
            each.file.unlink()
        manifest = _manifest(
            environment,
            spec,
            [
                VolumeCopy(
                    service=each.store.service.name,
                    volume=each.store.volume,
                    member=members[each.store.volume],
                    root=each.root,
                    files=each.files,
                )
                for each in copies
            ],
            state=None if state is None else writer.add(STATE, state),
            lock=writer.add(LOCK, lock),
        )
        writer.finish(manifest)
    _publish(partial, file)
    size = file.stat().st_size
    reporter.end(f"{size / 1e6:.1f} MB")
    taken = tuple(Copied(each.store.service.name, each.store.volume, each.size, each.stopped) for each in copies)
    return Taken(file, size, taken, manifest)


def _publish(partial: Path, file: Path) -> None:
    """Gives a whole file its name; a link and not a rename, which would replace a file that came in between."""
    try:
        file.hardlink_to(partial)
    except FileExistsError as error:
        raise UsageError(f"{file} exists by now; it is left alone", remedy="give --to another name") from error
    except OSError:
        # A disk without hard links, such as a USB stick's.
        partial.replace(file)
    descriptor = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _manifest(
    environment: Declared, spec: str, volumes: list[VolumeCopy], *, state: Member | None, lock: Member
) -> Manifest:
    services = []
    for each in environment.estate.services:
        image = environment.images.images[each.image]
        services.append(ServiceVersion(name=each.name, kind=each.image, version=image.version, image=image.label))
    return Manifest(
        format=FORMAT,
        environment=environment.environment,
        estate=environment.estate_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        pointsman=_own_version(),
        services=services,
        volumes=volumes,
        state=state,
        lock=lock,
        spec=spec,
    )


def _own_version() -> str:
    """The version of this clone; a clone's package need not be installed."""
    project = tomllib.loads((checkout() / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])
