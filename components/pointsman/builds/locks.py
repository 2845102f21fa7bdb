"""File locks which the kernel releases when their holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

POLL_SECONDS = 0.2


@contextlib.contextmanager
def exclusive(path: Path, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock file alone; `on_wait` is called again and again while another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if on_wait:
                    on_wait()
                time.sleep(POLL_SECONDS)
        yield


@contextlib.contextmanager
def first_free(paths: Iterable[Path]) -> Iterator[Path | None]:
    """Hold the first lock file of these that nobody holds; None, at once, when all are taken."""
    with contextlib.ExitStack() as held:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            held.enter_context(file)
            yield path
            return
        yield None


@contextlib.contextmanager
def shared(path: Path, on_last: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file together with others; the last to leave runs `on_last` while nobody may enter.

    `on_last` is not run when the block is left by an interrupt (KeyboardInterrupt): who comes next finds all as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException:
            _leave(file.fileno(), on_last)
            raise
        _leave(file.fileno(), on_last)


def if_alone(path: Path, action: Callable[[], None]) -> None:
    """Run an action while a lock file is held alone; not at all when others hold it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        _leave(file.fileno(), action)


def _leave(descriptor: int, action: Callable[[], None]) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    action()
