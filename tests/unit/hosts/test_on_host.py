"""Programs that hosts run for the suite: what they take for a secret or a mount, and that an old Python runs them."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from pointsman.hosts.proving import on_host
from pointsman.hosts.proving.on_host import exposure, sandbox

PROGRAMS = sorted(Path(str(on_host.__file__)).parent.glob("*.py"))
PATTERN = re.compile(b"|".join(exposure.SHAPES))
MOUNTS: sandbox.Mounts = {
    "/": ("ro,relatime", "/", "rw"),
    "/srv/runner": ("rw,relatime", "/srv/runner", "rw"),
    "/etc/pointsman": ("ro", "/systemd/inaccessible/dir", "rw"),
}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_hosts_need_nothing_but_their_own_python(path: Path) -> None:
    """Debian 11's 3.9 parses it, and it imports the standard library alone: it is given as text."""
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names


@pytest.mark.parametrize(
    "text",
    [
        b"A" + b"B" * 28,
        b"token: ghp_" + b"a1" * 18,
        b"github_pat_" + b"x_" * 22,
        b"ACTIONS_RUNNER_INPUT_TOKEN=" + b"A" * 29,
        b"config.sh --token " + b"Q7" * 10,
    ],
)
def test_what_looks_like_a_token_is_found(text: bytes) -> None:
    """Wherever it stands in a line."""
    assert PATTERN.search(b"x " + text + b" y\n")


@pytest.mark.parametrize(
    "text",
    [b"sha256:" + b"a" * 64, b"A" * 64, b"x" + b"AB" * 20 + b"==", b"--token ***", b"ACTIONS_RUNNER_INPUT_TOKEN=***"],
)
def test_what_is_hidden_or_something_else_is_not(text: bytes) -> None:
    """Checksums, long base64, and what was masked."""
    assert not PATTERN.search(b"x " + text + b" y\n")


def test_a_path_lies_on_the_nearest_mount() -> None:
    """Its options hold for all below it."""
    assert sandbox.is_read_only("/usr/bin", MOUNTS)
    assert not sandbox.is_read_only("/srv/runner/work", MOUNTS)
    assert sandbox.INACCESSIBLE in sandbox.over("/etc/pointsman/x", MOUNTS)[1]
