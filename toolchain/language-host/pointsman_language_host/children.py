"""Child processes that never outlive the host, not even one that is killed with SIGKILL.

Each child, with all that it starts, is a process group of its own, led by a *guard*: a shell that waits on a pipe whose
other end only the host holds. When the host closes the pipe, or dies and the kernel closes it, the guard kills the
group. This needs neither `PR_SET_PDEATHSIG`, which is Linux only, spares grandchildren and is tied to the *thread* that
forked, nor a `preexec_fn`, which is unsafe beside gRPC's threads. On systems without process groups only the child
itself is ended.
"""

import contextlib
import os
import signal
import subprocess
import threading
from types import TracebackType
from typing import IO

from pointsman_language_host.options import HostError
from pointsman_language_host.programs import Command

STOP_SECONDS = 2.0
"""From SIGTERM to SIGKILL. The engine gives the host 5 s in all before it kills it."""

GUARD = "trap '' TERM INT HUP; read -r _; kill -KILL 0"


class Child:
    """A running command with its output as two pipes. Raises HostError when it cannot be started."""

    def __init__(self, command: Command) -> None:
        self._guard = self._start_guard()
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                command.argv,
                env=dict(command.env),
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=self._guard.pid if self._guard else None,
            )
        except OSError as error:
            self._end_group()
            raise HostError(f"cannot start {command.argv[0]} in {command.cwd}: {error.strerror}") from error

    @staticmethod
    def _start_guard() -> "subprocess.Popen[bytes] | None":
        if os.name != "posix":
            return None
        return subprocess.Popen(
            ["/bin/sh", "-c", GUARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            process_group=0,
        )

    @property
    def stdout(self) -> IO[bytes]:
        """What the child writes to its standard output."""
        assert self._process.stdout
        return self._process.stdout

    @property
    def stderr(self) -> IO[bytes]:
        """What the child writes to its standard error."""
        assert self._process.stderr
        return self._process.stderr

    def wait(self) -> int:
        """Waits for the end, ends what the child left running, and gives its exit code (128 + n for signal n)."""
        code = self._process.wait()
        self._end_group()
        return code if code >= 0 else 128 - code

    def terminate(self) -> None:
        """Asks the child and all it started to end. Returns at once."""
        if self._process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            if self._guard:
                os.killpg(self._guard.pid, signal.SIGTERM)
            else:
                self._process.terminate()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Asks, waits for at most `seconds`, then kills."""
        self.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._end_group()

    def _end_group(self) -> None:
        if self._guard and self._guard.stdin:
            self._guard.stdin.close()
            self._guard.wait()


class Children:
    """All running children of the host."""

    def __init__(self) -> None:
        self._running: set[Child] = set()
        self._lock = threading.Lock()
        self._closed = False

    def start(self, command: Command) -> "Running":
        """Starts a child, to be used as a context: on leaving, it is stopped if it still runs. Raises HostError."""
        with self._lock:
            if self._closed:
                raise HostError("the language host is stopping")
            child = Child(command)
            self._running.add(child)
        return Running(child, self)

    def forget(self, child: Child) -> None:
        """The child has ended."""
        with self._lock:
            self._running.discard(child)

    def stop_all(self, seconds: float = STOP_SECONDS) -> None:
        """Stops every child, all at a time, and lets no other start."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        stops = [threading.Thread(target=child.stop, args=(seconds,)) for child in running]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()


class Running:
    """A child for as long as a `with` block lasts."""

    def __init__(self, child: Child, children: Children) -> None:
        self.child = child
        self._children = children

    def __enter__(self) -> Child:
        return self.child

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.child.stop()
        self._children.forget(self.child)

    def stop_soon(self) -> None:
        """Stops the child from a callback that must not block (gRPC runs them in the thread that serves all calls)."""
        threading.Thread(target=self.child.stop, daemon=True).start()
