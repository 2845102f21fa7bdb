"""Which hosts an environment has, and what its GitHub stand-in serves them: read from inventory and checkout."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pointsman import paths
from pointsman.errors import UsageError
from pointsman.inventory import Package, has_inventory, read_inventory
from pointsman.services.fleet import Fleet, Standin

if TYPE_CHECKING:
    from pointsman.spec.models import Environment

TOKEN_FILE = "github-token"
PROGRAMS = "runner-programs"


def fleet_of(environment: str, spec: Environment) -> Fleet:
    """The hosts that the spec says the environment has.

    Raises UsageError where there is no inventory for them, SpecError with all mistakes in it.
    """
    if spec.runners.hosts == "none":
        return Fleet()
    if not has_inventory(environment):
        raise UsageError(
            f"stacks/{environment}.yaml: runners.hosts is {spec.runners.hosts}, but inventory/{environment} is missing",
            remedy=f"write inventory/{environment}/hosts.yml, or set runners.hosts to none",
        )
    hosts = read_inventory(environment).hosts
    return Fleet(hosts, _standin(environment) if spec.runners.has_standin else None)


def _standin(environment: str) -> Standin:
    folder = paths.cache_dir() / PROGRAMS
    token = paths.environment_dir(environment) / TOKEN_FILE
    return Standin(str(token), str(folder), _packed(folder))


def _packed(folder: Path) -> Package:
    """The stand-in for the runner program, packed into `folder`; its `url` is the file's name there."""
    source = paths.checkout() / "tests" / "standins" / "packing.py"
    found = importlib.util.spec_from_file_location("pointsman_packing", source)
    if found is None or found.loader is None or not source.is_file():
        raise UsageError(
            f"{source} is not there: without it there is no stand-in for GitHub's runner",
            remedy="restore it from version control, or declare runners.github and runners.package",
        )
    packing = importlib.util.module_from_spec(found)
    found.loader.exec_module(packing)
    content: bytes = packing.packed()
    name = f"actions-runner-linux-x64-{packing.VERSION}.tar.gz"
    _written(folder / name, content)
    return Package(name, hashlib.sha256(content).hexdigest(), packing.VERSION)


def _written(path: Path, content: bytes) -> None:
    """Puts the content there at once, readable by all: a container's user reads it."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o755)
    descriptor, scratch = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(scratch).chmod(0o644)
    Path(scratch).replace(path)
