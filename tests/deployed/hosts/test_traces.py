"""After all that: no token in state, artifacts, logs, lists of processes or journals."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from tests.deployed.fleet import HOSTS, Fleet

# Files that are secrets, readable by their owner alone.
KEPT = {"github-token", "passphrase", "id_ed25519"}
LARGEST = 50 * 2**20
SHAPES = re.compile(
    rb"(?<![A-Za-z0-9+/])A[A-Z2-7]{28}(?![A-Za-z0-9+/])"
    rb"|(?:ACTIONS_RUNNER_INPUT_TOKEN|POINTSMAN_RUNNER_TOKEN)=[A-Z0-9]{12,}"
)


def files(*tops: Path) -> Iterator[Path]:
    """Every readable file below some folders."""
    for top in tops:
        for folder, _, found in os.walk(top):
            for name in found:
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink() and path.stat().st_size < LARGEST:
                    yield path


def test_no_token_is_anywhere(fleet: Fleet) -> None:
    """Neither GitHub's own nor those made of it: in the state and all else that this estate keeps, in what containers
    print, in Docker's settings of them, in processes here and there, in journals of hosts."""
    token = fleet.token().encode()
    assert len(token) > 20
    found = []

    def look(where: str, content: bytes) -> None:
        if token in content or SHAPES.search(content):
            found.append(where)

    root = fleet.estate.clone.root
    for path in files(fleet.estate.clone.state, root / "inventory", root / "stacks"):
        if path.name in KEPT:
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
        else:
            look(str(path), path.read_bytes())
    look("the exported state", json.dumps(fleet.estate.state()).encode())
    for name, container in fleet.estate.containers().items():
        look(f"log of {name}", container.logs())
        look(f"settings of {name}", json.dumps(container.attrs).encode())
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            look(f"arguments of {process.parent.name}", process.read_bytes())
        except OSError:
            continue
    present = [host for host in HOSTS if host in {each.name for each in fleet.estate.declared().hosts}]
    for host in present:
        look(
            f"processes of {host}", fleet.shell(host, "ps axeww -o args; cat /proc/[0-9]*/environ 2>/dev/null").encode()
        )
        look(f"journal of {host}", fleet.shell(host, "journalctl --no-pager --output=cat").encode())
        look(f"logs of {host}", fleet.shell(host, "cat /var/log/*.log /var/log/*/*.json 2>/dev/null; true").encode())
        look(f"_diag of {host}", fleet.shell(host, "cat /srv/runner/actions-runner/_diag/* 2>/dev/null; true").encode())
    for job in ("journal", "runner", "worker"):
        look(f"Loki, {job}", "\n".join(fleet.loki(f'{{job="{job}"}} |~ "TOKEN|token"')).encode())
    assert not found
