"""Go builds: what decides the recipe, what the machine must have, what Go is told. A small program is really built."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pointsman.builds import GoBuild, Store, go_build, golang
from pointsman.errors import UnreachableError
from tests.unit.builds.doubles import Shown

MAIN = """package main

import _ "embed"

//go:embed made.txt
var made string

var version = "unset"

func main() { print(version, " ", made) }
"""
GENERATOR = """package main

import "os"

func main() { _ = os.WriteFile(os.Args[1], []byte("generated"), 0o644) }
"""


@pytest.fixture
def program(tmp_path: Path) -> GoBuild:
    """A program that embeds a file which a generator of its own writes."""
    folder = tmp_path / "program"
    (folder / "generator").mkdir(parents=True)
    (folder / "go.mod").write_text("module example\n\ngo 1.24\n")
    (folder / "main.go").write_text(MAIN)
    (folder / "generator" / "main.go").write_text(GENERATOR)
    return GoBuild(
        name="parts/program",
        folder=folder,
        binaries={"program": "."},
        version="1.0",
        seconds=10,
        scratch_bytes=1,
        ldflags="-X main.version=1.0",
        generator="./generator",
        generator_arguments=("made.txt",),
        generated=("made.txt",),
    )


def test_a_generated_program_is_built_and_the_checkout_stays_clean(
    program: GoBuild, store: Store, shown: Shown
) -> None:
    """The generator runs first, the linker sets the version, the count of packages becomes progress, and the source
    folder, which may be a checkout, gets no file.
    """
    before = sorted(path.name for path in program.folder.rglob("*"))
    fractions: list[float] = []
    report = shown.progress.report

    def spy(name: str, text: str = "", fraction: float | None = None) -> None:
        fractions.extend([fraction] if fraction is not None else [])
        report(name, text, fraction)

    shown.progress.report = spy  # type: ignore[method-assign]
    binary = store.ensure([go_build(program)], progress=shown.progress)["parts/program"] / "program"
    assert subprocess.run([binary], capture_output=True, text=True, check=True).stderr == "1.0 generated"
    assert sorted(path.name for path in program.folder.rglob("*")) == before
    assert len(fractions) > 10
    assert max(fractions) <= 1.0
    assert not store.scratch.exists()


def test_the_recipe_follows_all_that_decides_the_result(program: GoBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    """Source, flags and Go's version change it; a generated file and the expected duration do not."""
    recipes = {go_build(program).recipe}
    recipes.add(go_build(replace(program, seconds=99)).recipe)
    (program.folder / "made.txt").write_text("left by a build by hand")
    recipes.add(go_build(program).recipe)
    assert len(recipes) == 1
    recipes.add(go_build(replace(program, ldflags="-X main.version=2.0")).recipe)
    recipes.add(go_build(replace(program, tags=("netgo",))).recipe)
    (program.folder / "main.go").write_text(MAIN + "\n")
    recipes.add(go_build(program).recipe)
    monkeypatch.setattr(golang, "go_version", lambda: "go version go9.9 linux/amd64")
    recipes.add(go_build(program).recipe)
    assert len(recipes) == 5


@pytest.mark.parametrize(
    ("found", "said"),
    [("", "there is no `go` on PATH"), ("go version go1.19.8 linux/amd64", "this machine has 1.19.8")],
)
def test_a_missing_or_old_go_is_unreachable(
    program: GoBuild, monkeypatch: pytest.MonkeyPatch, found: str, said: str
) -> None:
    """The message tells what was found and what is needed, the remedy how to get it; no build starts."""
    monkeypatch.setattr(golang, "go_version", lambda: found)
    require = go_build(program).require
    assert require is not None
    with pytest.raises(UnreachableError) as caught:
        require()
    assert "needs Go 1.24 or newer" in caught.value.message
    assert said in caught.value.message
    assert "PATH" in caught.value.remedy


@pytest.mark.parametrize("found", ["go1.24", "go1.24.1", "go1.27.3"])
def test_a_new_enough_go_is_taken(program: GoBuild, monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    """The `go` line is a minimum."""
    monkeypatch.setattr(golang, "go_version", lambda: f"go version {found} linux/amd64")
    golang.require_go(program.folder / "go.mod", program.name)


def test_the_machines_module_settings_are_left_alone(tmp_path: Path) -> None:
    """Proxy, checksum database and private patterns are the machine's own; no other Go is downloaded."""
    told = golang.go_environment(tmp_path / "shared", tmp_path / "tmp")
    assert not {"GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOENV", "HOME"} & set(told)
    assert told["GOTOOLCHAIN"] == "local"
    assert Path(told["GOMODCACHE"]).parent == Path(told["GOCACHE"]).parent == tmp_path / "shared"
