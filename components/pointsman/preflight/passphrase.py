"""The passphrase that the secrets in the state are encrypted with: there, whole, and nobody else's to read."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pointsman.checks import Check, failed, passed
from pointsman.paths import state_dir
from pointsman.preflight.locks import backend_dir

NAME = "passphrase"
VARIABLES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


@dataclass(frozen=True)
class PassphraseFacts:
    """The file's mode and size (None and 0 when it is not there), and the environments that have a state.

    `readable`: by this user. `variable` is the one of Pulumi's own variables that gives a passphrase instead, "" when
    none does.
    """

    path: Path
    mode: int | None
    size: int
    stacks: Sequence[str]
    readable: bool = True
    variable: str = ""


def check() -> Check:
    """Whether the passphrase of this user's state can be used."""
    path = state_dir() / "passphrase"
    try:
        found = path.stat()
    except FileNotFoundError:
        mode, size = None, 0
    else:
        mode, size = stat.S_IMODE(found.st_mode), found.st_size
    variable = next((name for name in VARIABLES if os.environ.get(name)), "")
    return judge(PassphraseFacts(path, mode, size, stacks_with_state(), os.access(path, os.R_OK), variable))


def stacks_with_state() -> tuple[str, ...]:
    """The environments that the file backend has a state of, compressed or not."""
    files = backend_dir().glob(".pulumi/stacks/*/*.json*")
    return tuple(sorted({file.name.partition(".")[0] for file in files if file.name.endswith((".json", ".json.gz"))}))


def judge(facts: PassphraseFacts) -> Check:
    """The check, from facts alone."""
    expected = f"{facts.path}, readable by its owner alone"
    if facts.size and facts.mode is not None:
        if not facts.readable:
            seen = f"{facts.path} cannot be read by this user"
            return failed(NAME, seen, expected=expected, remedy=f"sudo chown {os.geteuid()} {facts.path}")
        if facts.mode & 0o077:
            seen = f"{facts.path} has mode {facts.mode:04o}: others on this machine may use it"
            return failed(NAME, seen, expected=expected, remedy=f"chmod 600 {facts.path}")
        return passed(NAME, f"{facts.path}, mode {facts.mode:04o}")
    lack = "is not there" if facts.mode is None else "is empty"
    if facts.stacks:
        if facts.variable:
            return passed(NAME, f"{facts.path} {lack}; {facts.variable} is set")
        return failed(
            NAME,
            f"the state of {', '.join(facts.stacks)} was encrypted with a passphrase that is gone: {facts.path} {lack}",
            expected=expected,
            remedy=f"put it back from your backup into {facts.path} (chmod 600), or set {VARIABLES[0]} to it",
        )
    if facts.mode is None:
        return passed(NAME, f"none yet: `pointsman up` makes {facts.path}")
    return failed(NAME, f"{facts.path} {lack}", expected=expected, remedy=f"rm {facts.path}: a new one is made")
