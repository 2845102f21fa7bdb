"""The files that `up` reads: the environment's spec and the checkout's recipes, each readable and whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pointsman.builds.model import CACHES
from pointsman.checks import Check, failed, passed
from pointsman.errors import PointsmanError
from pointsman.images import catalogue, lock
from pointsman.images.lock import UnreadableLock
from pointsman.paths import MARKER, checkout
from pointsman.spec.reader import read_environment
from pointsman.toolchain import pins

NAME = "config files"
RECIPES = ("images", "toolchain")
# Without these no build starts; the catalogue names the rest.
NEEDED = (
    MARKER,
    "stacks/__main__.py",
    "toolchain/pulumi/go.mod",
    "toolchain/docker-plugin/go.mod",
    "toolchain/language-host/requirements.lock",
)


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a file, and what to do."""

    what: str
    remedy: str


def check(environment: str) -> Check:
    """Whether every file that `up` reads can be read, and those that Pointsman itself reads make sense."""
    root = checkout()
    named, flaws = _read(environment)
    flaws += [*_lacking(root, (*NEEDED, *named)), *_closed(root)]
    shown = f"stacks/{environment}.yaml, images/catalogue.yaml, toolchain/toolchain.yaml and all recipes"
    try:
        lock.read(lock.path(environment))
    except UnreadableLock as damaged:
        return judge(flaws, f"{shown}; {damaged.message}, which `pointsman up` mends")
    except PointsmanError as error:
        flaws.append(_flaw(error))
    return judge(flaws, shown)


def judge(flaws: Sequence[Flaw], shown: str) -> Check:
    """The check, from facts alone; `shown` are the files when nothing is wrong with them."""
    if not flaws:
        return passed(NAME, f"readable: {shown}")
    return failed(
        NAME,
        "; ".join(flaw.what for flaw in flaws),
        expected="files that this user can read, as they are in version control",
        remedy="; ".join(dict.fromkeys(flaw.remedy for flaw in flaws if flaw.remedy)),
    )


def _read(environment: str) -> tuple[list[str], list[Flaw]]:
    """Reads what Pointsman itself reads; the files that the catalogue names, and what is wrong."""
    named: list[str] = []
    flaws = []

    def recipes() -> None:
        made = [service.packages.go for service in catalogue.load().services.values() if service.packages]
        named.extend(f"images/{recipe.folder}/go.mod" for recipe in made if recipe)

    for read in (lambda: read_environment(environment), recipes, pins.load):
        try:
            read()
        except PointsmanError as error:
            flaws.append(_flaw(error))
    return named, flaws


def _flaw(error: PointsmanError) -> Flaw:
    return Flaw(" ".join((error.message, error.detail)).strip(), error.remedy)


def _lacking(root: Path, named: Sequence[str]) -> Iterator[Flaw]:
    """Files that are named and are not there."""
    for name in dict.fromkeys(named):
        if not os.path.lexists(root / name):
            yield Flaw(f"{name} is not there", f"git -C {root} checkout -- {name}")


def _closed(root: Path) -> Iterator[Flaw]:
    """Files and folders of the recipes that this user may not read."""
    found = [str(root / name) for name in NEEDED]
    for folder in RECIPES:
        for parent, folders, files in os.walk(root / folder):
            folders[:] = [name for name in folders if name not in CACHES]
            found += [f"{parent}/{name}" for name in (*folders, *files)]
    closed = [path for path in found if os.path.lexists(path) and not os.access(path, os.R_OK)]
    if closed:
        more = f" and {len(closed) - 1} more" if len(closed) > 1 else ""
        yield Flaw(f"{closed[0]}{more} cannot be read by this user", f"sudo chown -R {os.geteuid()} {root}")
