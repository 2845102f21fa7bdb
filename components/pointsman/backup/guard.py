"""What must be undone whatever happens to a backup: by a process of its own, which outlives a kill of the backup.

The guard reads from a pipe what was done (`+`) and what was undone again (`-`). The kernel closes the pipe when the
backup ends, also by SIGKILL; what is then still done, the guard undoes at once. It has a session of its own, so that
neither Ctrl-C nor a kill of the process group reaches it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from docker import APIClient

Kind = Literal["stopped", "container", "folder"]
"""A container that was stopped, one that was made, a folder that was made."""

# Far longer than Docker takes to start a container; the guard goes on alone if that should not do.
END_SECONDS: Final = 30


class Guard:
    """The guard as the backup sees it."""

    def __enter__(self) -> Guard:
        """Starts it. What is told before it is up waits in the pipe."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pointsman.backup.guard"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets it undo what is left, and end."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()  # type: ignore[union-attr]
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)

    @contextlib.contextmanager
    def over(self, kind: Kind, what: str) -> Iterator[Callable[[], None]]:
        """The guard undoes this unless the block ends well, or says by the call that it gives that it is undone.

        It is told before it is done: undoing what was not done does no harm.
        """

        def undone() -> None:
            self._tell("-", kind, what)

        self._tell("+", kind, what)
        yield undone
        undone()

    def _tell(self, sign: str, kind: Kind, what: str) -> None:
        stream = self._process.stdin
        assert stream is not None
        # Without a guard the backup goes on: it undoes all that itself, unless it is killed too.
        with contextlib.suppress(BrokenPipeError):
            stream.write(json.dumps([sign, kind, what]) + "\n")
            stream.flush()


def left(lines: IO[str]) -> list[tuple[Kind, str]]:
    """What was done and not undone, the last first. A line that was cut off by a kill tells of nothing yet done."""
    done: dict[tuple[Kind, str], None] = {}
    for line in lines:
        with contextlib.suppress(ValueError):
            sign, kind, what = json.loads(line)
            if sign == "+":
                done[kind, what] = None
            else:
                done.pop((kind, what), None)
    return list(reversed(done))


def undo(kind: Kind, what: str) -> None:
    """Undoes one thing."""
    if kind == "folder":
        shutil.rmtree(Path(what), ignore_errors=True)
        return
    from docker.errors import NotFound

    from pointsman.targets.docker.engine import connect

    with connect() as client, contextlib.suppress(NotFound):
        if kind == "stopped":
            start_again(client, what)
        else:
            client.remove_container(what, force=True)


def start_again(client: APIClient, container: str) -> None:
    """Starts a container that was told to stop.

    The engine goes on with a stop whose client is gone, and takes a start meanwhile for done: so the stop is awaited.
    """
    client.stop(container)
    client.start(container)


_ORDER: Mapping[Kind, int] = {"stopped": 0, "container": 1, "folder": 2}


def main() -> None:
    """The guard's own life. Services come back first; one thing that fails keeps no other from being undone."""
    for kind, what in sorted(left(sys.stdin), key=lambda each: _ORDER[each[0]]):
        with contextlib.suppress(Exception):
            undo(kind, what)


if __name__ == "__main__":
    main()
