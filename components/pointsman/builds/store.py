"""The store of finished builds, `<cache>/builds`: makes what is missing, once, whatever runs or is killed beside it."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pointsman.builds import locks, manifest
from pointsman.builds.fetching import Fetch
from pointsman.builds.manifest import Inspection, Manifest
from pointsman.builds.model import Build, BuildError, Workspace
from pointsman.builds.progress import Progress
from pointsman.errors import UnreachableError
from pointsman.paths import cache_dir


def _free_bytes(path: Path) -> int:
    return shutil.disk_usage(path).free


@dataclass(frozen=True)
class Store:
    """Finished builds at `root`; `logs` holds each build's log, `scratch` what all builds of a run share meanwhile."""

    root: Path = field(default_factory=lambda: cache_dir() / "builds")
    logs: Path = field(default_factory=lambda: cache_dir() / "logs")
    scratch: Path = field(default_factory=lambda: cache_dir() / "scratch")
    free_bytes: Callable[[Path], int] = _free_bytes

    def path(self, build: Build) -> Path:
        """Where a build's result is, or will be."""
        return self.root / f"{build.name}-{build.version}-{build.recipe}"

    def log(self, build: Build) -> Path:
        """The log of a build's last making."""
        return self.logs / f"{build.slug}.log"

    def inspect(self, build: Build, *, thorough: bool = False) -> Inspection:
        """What is at a build's path; all checksums are computed when `thorough`."""
        return manifest.inspect(self.path(build), thorough=thorough)

    def is_built(self, build: Build, *, thorough: bool = False) -> bool:
        """Whether the result is there and as it was made."""
        return self.inspect(build, thorough=thorough).state == "built"

    def ensure(self, builds: Sequence[Build], *, progress: Progress) -> dict[str, Path]:
        """Make what is missing, in the order given, and return each build's path by name.

        Raises BuildError when a build fails, UnreachableError when the machine lacks a program or the disk is short.
        """
        missing = [build for build in builds if not self.is_built(build)]
        if missing:
            self._check(builds, missing)
            progress.plan([(b.name, b.version, b.seconds) for b in missing], self._history(builds))
            with self.session(progress.say):
                self._all(missing, {build.name: self.path(build) for build in builds}, progress)
        return {build.name: self.path(build) for build in builds}

    @contextlib.contextmanager
    def session(self, say: Callable[[str], None] = lambda text: None) -> Iterator[None]:
        """Keep the shared scratch (Go's caches) over several `ensure`: the last to leave deletes it, and says so.

        After an interrupt or a kill it stays, and the next run goes on with it.
        """

        def clear() -> None:
            if self.scratch.is_dir() and any(self.scratch.iterdir()):
                say("removing the module and build caches, which only the builds needed")
            self._clear()

        with locks.shared(self._scratch_lock, clear):
            self.scratch.mkdir(parents=True, exist_ok=True)
            yield

    def clean(self) -> None:
        """Delete what killed runs left behind; what a run at work uses stays."""
        if self.root.is_dir():
            locks.if_alone(self._scratch_lock, self._clear)

    @property
    def _scratch_lock(self) -> Path:
        return self.root / ".locks" / "scratch"

    def _clear(self) -> None:
        # Nobody is in a session, so nobody builds: folders of builds in the making are leftovers too.
        _remove(self.scratch)
        _remove(self.root / ".work")

    def _check(self, builds: Sequence[Build], missing: Sequence[Build]) -> None:
        known = {build.name for build in builds}
        for build in missing:
            if absent := set(build.needs) - known:
                raise ValueError(f"{build.name} needs {', '.join(sorted(absent))}, which is not among the builds")
            if build.require:
                build.require()
        self.root.mkdir(parents=True, exist_ok=True)
        needed, free = sum(build.scratch_bytes for build in missing), self.free_bytes(self.root)
        if free < needed:
            raise UnreachableError(
                f"{', '.join(build.name for build in missing)} cannot be built: {_gigabytes(needed)} of disk are "
                f"needed meanwhile in {self.root}, {_gigabytes(free)} are free",
                remedy="free some disk, or set POINTSMAN_CACHE_DIR to a folder on a larger one",
            )

    def _history(self, builds: Sequence[Build]) -> list[tuple[float, float]]:
        found = [manifest.read(self.path(build)) for build in builds]
        return [(each.seconds, each.expected_seconds) for each in found if each]

    def _all(self, missing: Sequence[Build], paths: Mapping[str, Path], progress: Progress) -> None:
        fetch: Fetch | None = None
        below = self.root / ".work"
        below.mkdir(exist_ok=True)
        try:
            for build, following in zip(missing, [*missing[1:], None], strict=True):
                progress.start(build.name)
                if fetch:
                    fetch.wait(partial(progress.report, build.name, "downloading"))
                fetch = None
                if following and following.fetch:
                    log = self.logs / f"{following.slug}.fetch.log"
                    fetch = Fetch(following, below=below, shared=self.scratch, log=log)
                self._one(build, {name: paths[name] for name in build.needs}, progress)
        finally:
            if fetch:
                fetch.cancel()

    def _one(self, build: Build, needed: Mapping[str, Path], progress: Progress) -> None:
        told: list[str] = []

        def waiting() -> None:
            if not told:
                told.append(build.name)
                progress.say(f"{build.name}: another run is making it; waiting for that one")
            progress.report(build.name, "another run is making it: waiting")

        with locks.exclusive(self.root / ".locks" / build.slug, waiting), self._work(build) as work:
            # Another run may have made it while this one waited for the lock.
            inspection = self.inspect(build)
            if inspection.state == "built":
                progress.finish(build.name, "made by another run")
                return
            if inspection.state == "damaged":
                progress.say(f"{build.name}: damaged ({inspection.reason}), made again")
            try:
                self._make(build, needed, work, progress)
            except BaseException:
                progress.fail(build.name)
                raise
            progress.finish(build.name)

    @contextlib.contextmanager
    def _work(self, build: Build) -> Iterator[Path]:
        """The folder of a build in the making. Whoever holds the build's lock may remove what a killed run left."""
        work = self.root / ".work" / build.slug
        _remove(work)
        work.mkdir(parents=True)
        try:
            yield work
        finally:
            _remove(work)

    def _make(self, build: Build, needed: Mapping[str, Path], work: Path, progress: Progress) -> None:
        workspace = Workspace(
            out=work / "out",
            scratch=work / "scratch",
            shared=self.scratch,
            log=self.log(build),
            needed=needed,
            report=partial(progress.report, build.name),
        )
        workspace.out.mkdir()
        workspace.scratch.mkdir()
        self.log(build).unlink(missing_ok=True)
        began = time.monotonic()
        try:
            build.make(workspace)
        except BuildError as error:
            raise BuildError(
                f"{build.name} {build.version} could not be built: {error.message}",
                detail=error.detail,
                remedy=error.remedy,
            ) from error
        seconds = round(time.monotonic() - began, 1)
        files = manifest.list_files(workspace.out)
        manifest.write(workspace.out, Manifest(build.name, build.version, build.recipe, seconds, build.seconds, files))
        target = self.path(build)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.rename(work / "old")
        workspace.out.rename(target)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def _remove(path: Path) -> None:
    """Delete a tree. A process that a killed run left may still write into it for a moment: try again then."""
    for _ in range(20):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.1)
    shutil.rmtree(path)
