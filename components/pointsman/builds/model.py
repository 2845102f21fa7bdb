"""What a build is: a recipe with an expected duration, and the workspace that it is made in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from pointsman.builds import process
from pointsman.errors import PointsmanError

RECIPE_LENGTH = 12
SHOWN_LOG_LINES = 15
CACHES = ("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache")


class BuildError(PointsmanError):
    """A build step failed: `message` names the step, `detail` holds the end of its log, `remedy` where the log is."""


def _no_report(text: str, fraction: float | None) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True)
class Workspace:
    """Where one build works. Everything but `out` is deleted when it is done.

    `out` becomes the result, `scratch` is this build's own, `shared` is common to all builds of a run (Go's caches);
    `needed` maps the name of each needed build to its result; `log` collects the output of every command.
    """

    out: Path
    scratch: Path
    shared: Path
    log: Path
    needed: Mapping[str, Path] = field(default_factory=dict)
    report: Callable[[str, float | None], None] = _no_report
    cancelled: Event = field(default_factory=Event)

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """Run a command to its end and return its standard output; everything it says goes to the log.

        `env` is added to the process's own environment; `on_line` sees each line of both streams as it comes.
        Raises BuildError with the last lines of the log when the command fails or is not there.
        """
        command = [str(word) for word in argv]
        try:
            result = process.run(
                command,
                cwd=cwd or self.scratch,
                extra_env=env or {},
                log=self.log,
                on_line=on_line,
                on_tick=lambda: self.report("", None),
                cancelled=self.cancelled,
            )
        except FileNotFoundError as error:
            raise BuildError(
                f"{command[0]} cannot be run: no such program", remedy=f"install {command[0]}, or put it on PATH"
            ) from error
        if result.code != 0:
            how = f"was ended by signal {-result.code}" if result.code < 0 else f"failed with exit code {result.code}"
            raise BuildError(
                f"`{' '.join(command)[:200]}` {how}", detail=result.tail(SHOWN_LOG_LINES), remedy=f"read {self.log}"
            )
        return result.stdout


@dataclass(frozen=True)
class Build:
    """Something made once a machine.

    `name` ("toolchain/pulumi") and `version` are shown to people; `recipe` (12 hex) is the hash of all that decides
    the result; `seconds` is the expected wall time on 2 quiet cores, cold; `scratch_bytes` the disk needed meanwhile.
    `make` writes the result into `workspace.out`. `needs` names builds that come before. `require` raises a
    PointsmanError when the machine lacks something (asked before anything starts). `fetch` downloads ahead while
    another build compiles; its failure is not one of the build.
    """

    name: str
    version: str
    recipe: str
    seconds: float
    scratch_bytes: int
    make: Callable[[Workspace], None]
    needs: tuple[str, ...] = ()
    require: Callable[[], None] | None = None
    fetch: Callable[[Workspace], None] | None = None

    @property
    def slug(self) -> str:
        """The name as one path component."""
        return self.name.replace("/", "-")


def fingerprint(*parts: str) -> str:
    """12 hex digits which change when any of the parts does."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:RECIPE_LENGTH]


def hash_tree(root: Path, *, ignore: tuple[str, ...] = CACHES) -> str:
    """The fingerprint of a file, or of all files below a folder: their relative paths, executable bits and contents."""
    files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    parts: list[str] = []
    for path in files:
        relative = path.relative_to(root)
        if not set(ignore) & set(relative.parts):
            mode = "x" if path.stat().st_mode & 0o100 else "-"
            parts += [relative.as_posix(), mode, hashlib.sha256(path.read_bytes()).hexdigest()]
    return fingerprint(*parts)
