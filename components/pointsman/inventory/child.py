"""Starts the process that resolves inventories, and talks to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pointsman.errors import PointsmanError, UnreachableError
from pointsman.inventory.answers import Request, Resolved

# A thousand hosts take some seconds; a machine under load, some more.
SECONDS = 300
_SOURCE = Path(__file__).parents[2]
# What Ansible may be told about passwords. Nothing else of the user's settings has a say, or one inventory would mean
# different things to two people.
_PASSED_ON = ("ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_IDENTITY_LIST", "ANSIBLE_VAULT_ID_MATCH")
_SETTINGS = {
    "ANSIBLE_INVENTORY_ENABLED": "ansible.builtin.yaml",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    "ANSIBLE_NOCOLOR": "true",
}


def resolved(requests: Sequence[Request]) -> list[Resolved]:
    """The answers to some requests, by one process.

    Raises UnreachableError where Ansible is not installed or does not answer, PointsmanError where it fails otherwise.
    """
    lines = "".join(json.dumps({"hosts": r.hosts, "names": r.names, "secrets": r.secrets}) + "\n" for r in requests)
    with tempfile.TemporaryDirectory(prefix="pointsman-inventory-") as home:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pointsman.inventory.resolving"],
                input=lines,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
                cwd=home,  # no ansible.cfg, and nothing that `lookup` could find
                env=_variables(home),
            )
        except subprocess.TimeoutExpired:
            raise UnreachableError(
                f"Ansible has not resolved the inventory within {SECONDS} s", remedy="try again on a quiet machine"
            ) from None
    answers = done.stdout.splitlines()
    if done.returncode != 0 or len(answers) != len(requests):
        raise _failure(done.stderr)
    return [Resolved.from_plain(json.loads(line)) for line in answers]


def _variables(home: str) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_") or name in _PASSED_ON}
    for name in _PASSED_ON[:2]:
        if value := kept.get(name):
            kept[name] = ",".join(_absolute(part) for part in value.split(","))
    config = str(Path(home) / "ansible.cfg")
    Path(config).touch()
    paths = [str(_SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, **_SETTINGS, "ANSIBLE_CONFIG": config, "ANSIBLE_HOME": home, "PYTHONPATH": os.pathsep.join(paths)}


def _absolute(place: str) -> str:
    """A password's file, `name@file` or `file`, as it is meant in this working directory."""
    name, at, path = place.strip().rpartition("@")
    return name + at + str(Path(path).expanduser().absolute())


def _failure(printed: str) -> PointsmanError:
    last = [line for line in printed.splitlines() if line.strip()][-3:]
    if any("No module named 'ansible" in line for line in last):
        return UnreachableError(
            "ansible-core is not installed here, which resolves inventories",
            remedy="run make up, or pip install --require-hashes -r requirements/runtime.lock",
        )
    return PointsmanError("Ansible failed to resolve the inventory", detail="\n".join(last))
