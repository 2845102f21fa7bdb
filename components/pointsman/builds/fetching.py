"""Downloads for the next build while the present one is made."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from pointsman.builds.model import Build, Workspace
from pointsman.errors import PointsmanError

_TICK_SECONDS = 1.0


class Fetch:
    """A build's `fetch`, run in a thread. That it fails is no failure: the build itself downloads what lacks."""

    def __init__(self, build: Build, *, below: Path, shared: Path, log: Path) -> None:
        self._cancelled = Event()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{build.slug}.fetch-", dir=below))
        workspace = Workspace(
            out=self._folder / "out",
            scratch=self._folder / "scratch",
            shared=shared,
            log=log,
            cancelled=self._cancelled,
        )
        log.unlink(missing_ok=True)
        self._thread = Thread(target=self._run, args=(build, workspace), name=f"fetch {build.name}", daemon=True)
        self._thread.start()

    def wait(self, on_tick: Callable[[], None]) -> None:
        """Wait until all is downloaded; `on_tick` is called every second meanwhile."""
        while self._thread.is_alive():
            self._thread.join(_TICK_SECONDS)
            on_tick()

    def cancel(self) -> None:
        """End it, if it is still at work."""
        self._cancelled.set()
        self._thread.join()

    def _run(self, build: Build, workspace: Workspace) -> None:
        try:
            if build.fetch:
                workspace.out.mkdir()
                workspace.scratch.mkdir()
                with contextlib.suppress(PointsmanError, OSError):
                    build.fetch(workspace)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
