"""Gives a machine all that a `pulumi up` needs: Docker engine, CLI, Docker plugin, Python language host."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pointsman.builds import Progress, Store
from pointsman.errors import UnreachableError, UsageError
from pointsman.toolchain import docker_engine, installed, parts
from pointsman.toolchain.docker_engine import DockerEngine
from pointsman.toolchain.installed import Installed
from pointsman.toolchain.machine import observe
from pointsman.toolchain.parts import Home
from pointsman.toolchain.pins import Pins, load, recipes_dir

CHOICE_VARIABLE = "POINTSMAN_TOOLCHAIN"
Choice = Literal["auto", "built", "installed"]


@dataclass(frozen=True)
class Toolchain:
    """What `pulumi` is run with: `bin` goes first on PATH; `source` says whether it was built here or installed."""

    bin: Path
    pulumi_home: Path
    pulumi_version: str
    source: Literal["built", "installed"]
    docker: DockerEngine

    @property
    def pulumi(self) -> Path:
        """The CLI."""
        return self.bin / "pulumi"

    def environment(self) -> dict[str, str]:
        """What is added to the environment of every `pulumi`; it holds no secret.

        PULUMI_PYTHON_CMD is the Python that has this library, for a project which names no virtual environment.
        """
        own = str(self.bin)
        rest = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part and part != own]
        return {
            "PATH": os.pathsep.join([own, *rest]),
            "PULUMI_HOME": str(self.pulumi_home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            "DOCKER_HOST": self.docker.host,
        }


def choice() -> Choice:
    """What POINTSMAN_TOOLCHAIN asks for. Raises UsageError for anything but auto, built or installed."""
    match os.environ.get(CHOICE_VARIABLE) or "auto":
        case "auto":
            return "auto"
        case "built":
            return "built"
        case "installed":
            return "installed"
        case other:
            raise UsageError(
                f"{CHOICE_VARIABLE} is {other!r}; expected auto, built or installed", remedy=f"unset {CHOICE_VARIABLE}"
            )


def ensure(progress: Progress) -> Toolchain:
    """Everything a `pulumi up` needs, made or started where it lacks.

    Raises UnreachableError when the machine cannot have it, BuildError when a build fails.
    """
    pins, wanted = load(), choice()
    engine = docker_engine.ensure(observe(), pins.docker_engine, progress)
    if wanted != "built":
        found = installed.examine(pins, engine.host)
        if found and found.usable:
            return _toolchain(found.home, found.version, "installed", engine)
        if wanted == "installed":
            raise _not_installed(found, pins)
        if found:
            progress.say(f"the installed {found.cli} is not used: {found.reason}")
    return _build(pins, engine, progress)


def find() -> Toolchain | None:
    """The toolchain that is there, without building, probing or starting anything; None when a part lacks."""
    pins, wanted = load(), choice()
    engine = docker_engine.find(observe())
    if not isinstance(engine, DockerEngine):
        return None
    if wanted != "built":
        found = installed.examine(pins, engine.host, may_probe=False)
        if found and found.usable:
            return _toolchain(found.home, found.version, "installed", engine)
        if wanted == "installed":
            return None
    store, wanted_parts = Store(), parts.builds(recipes_dir(), pins)
    links = parts.links(wanted_parts, store, pins)
    if not all(store.is_built(part) for part in wanted_parts) or not all(link.exists() for link in links):
        return None
    return _toolchain(parts.home(parts.recipe_of(wanted_parts)), pins.pulumi.version, "built", engine)


def _build(pins: Pins, engine: DockerEngine, progress: Progress) -> Toolchain:
    store, wanted = Store(), parts.builds(recipes_dir(), pins)
    store.ensure(wanted, progress=progress)
    parts.assemble(parts.links(wanted, store, pins))
    return _toolchain(parts.home(parts.recipe_of(wanted)), pins.pulumi.version, "built", engine)


def _toolchain(where: Home, version: str, source: Literal["built", "installed"], engine: DockerEngine) -> Toolchain:
    where.pulumi_home.mkdir(parents=True, exist_ok=True)
    where.pulumi_home.chmod(0o700)  # Pulumi keeps credentials in it
    return Toolchain(where.bin, where.pulumi_home, version, source, engine)


def _not_installed(found: Installed | None, pins: Pins) -> UnreachableError:
    why = f"{found.cli} cannot be used: {found.reason}" if found else "there is no pulumi on PATH"
    return UnreachableError(
        f"{CHOICE_VARIABLE}=installed, but {why}",
        remedy=f"install Pulumi {pins.pulumi.minimum} or newer (https://www.pulumi.com/docs/install/), "
        f"or unset {CHOICE_VARIABLE} to have one built",
    )
