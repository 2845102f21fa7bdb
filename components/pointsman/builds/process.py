"""Runs one command: both streams to a log line by line, a tick every second, nothing left running afterwards."""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO

TICK_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Result:
    """How a command ended: exit code (negative: the signal), standard output, and all lines of both streams."""

    code: int
    stdout: str
    lines: tuple[str, ...]

    def tail(self, count: int) -> str:
        """The last lines that say something."""
        return "\n".join([line for line in self.lines if line.strip()][-count:])


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    extra_env: Mapping[str, str],
    log: Path,
    on_line: Callable[[str], None] | None = None,
    on_tick: Callable[[], None] | None = None,
    cancelled: Event | None = None,
) -> Result:
    """Run a command in a session of its own and wait for it.

    It is killed, with all its children, when `cancelled` is set or this call is left by an exception; on Linux it
    also dies with this process. Raises FileNotFoundError when there is no such program.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8", errors="replace") as log_file:
        log_file.write(f"$ {' '.join(command)}\n")
        log_file.flush()
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **extra_env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_die_with_parent if _libc else None,
        )
        try:
            stdout, lines = _collect(child, log_file, on_line, on_tick, cancelled)
            return Result(child.wait(), stdout, tuple(lines))
        finally:
            _end_group(child)


def _die_with_parent() -> None:
    assert _libc is not None
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _collect(
    child: subprocess.Popen[bytes],
    log_file: IO[str],
    on_line: Callable[[str], None] | None,
    on_tick: Callable[[], None] | None,
    cancelled: Event | None,
) -> tuple[str, list[str]]:
    assert child.stdout is not None
    assert child.stderr is not None
    lines: list[str] = []
    stdout: list[bytes] = []
    rest = {child.stdout: b"", child.stderr: b""}
    with selectors.DefaultSelector() as selector:
        for stream in rest:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(TICK_SECONDS):
                stream = child.stdout if key.fileobj is child.stdout else child.stderr
                data = os.read(stream.fileno(), 65536)
                if stream is child.stdout:
                    stdout.append(data)
                complete, separator, rest[stream] = (rest[stream] + data).rpartition(b"\n")
                if not data:
                    selector.unregister(stream)
                    complete, separator, rest[stream] = rest[stream], b"\n" if rest[stream] else b"", b""
                for line in (complete + separator).decode(errors="replace").splitlines():
                    lines.append(line)
                    log_file.write(line + "\n")
                    if on_line:
                        on_line(line)
            log_file.flush()
            if on_tick:
                on_tick()
            if cancelled is not None and cancelled.is_set():
                _end_group(child)
                break
    return b"".join(stdout).decode(errors="replace"), lines


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the child's session; a child that has ended by itself is only reaped."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdout, child.stderr):
        if stream is not None:
            stream.close()
