"""Looks at hosts: over an ssh that runs commands on this machine, and through an engine that is not there."""

from __future__ import annotations

import io
import json
import os
import tarfile
import threading
import time
from pathlib import Path
from typing import Any, cast

import pytest
from docker.errors import NotFound

from pointsman.errors import PointsmanError
from pointsman.plays import Cause, PlayFailed, locking
from pointsman.resources.provider import machines
from pointsman.resources.provider.machines import Configured, Machines, Memo
from tests.unit.resources.hosts import Silent, inputs

SETTINGS = {"agentId": 4, "agentName": "one", "gitHubUrl": "https://github.com/acme/app"}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host whose files are in this folder; its ssh and sudo are this machine's shell."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in {
        "ssh": 'while [ "$1" != -- ]; do shift; done\nexec sh -c "$3"\n',
        "sudo": 'shift\nexec "$@"\n',
        "systemctl": f'echo "$@" >> {tmp_path}/systemctl\n',
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(machines, "MACHINE_ID", str(tmp_path / "machine-id"))
    monkeypatch.setattr(machines, "RUNNER_FILE", str(tmp_path / ".runner"))
    monkeypatch.setattr(machines, "FORGET", machines.FORGET.replace(machines.RUNNER, str(tmp_path)))
    monkeypatch.setattr(locking, "LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(locking, "HOLDER", str(tmp_path / "holder"))
    return tmp_path


def test_a_machine_tells_its_id(host: Path) -> None:
    """Over one connection, however many resources ask at the same time."""
    (host / "machine-id").write_text("m1\n")
    looked = Machines()
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(looked.identity(inputs()))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == ["m1"] * 4


def test_a_machine_that_does_not_answer(host: Path) -> None:
    """What ssh says becomes a message with the host's name."""
    (host / "bin" / "ssh").write_text(
        "#!/bin/sh\necho 'ssh: connect to host x port 22: Connection refused' >&2\nexit 255\n"
    )
    with pytest.raises(PlayFailed, match="runner-1: SSH is refused") as failed:
        Machines().identity(inputs())
    assert failed.value.cause is Cause.REFUSED


def test_a_host_tells_which_runner_it_is(host: Path) -> None:
    """By the runner's own file, which begins with a byte order mark; without one it is none; one that can't be read is
    told."""
    looked = Machines()
    assert looked.configured(inputs()) is None
    (host / ".runner").write_text(json.dumps(SETTINGS), "utf-8-sig")
    assert looked.configured(inputs()) == Configured(4, "one", "https://github.com/acme/app")
    (host / ".runner").write_text("{", "utf-8")
    with pytest.raises(PointsmanError, match="can't be read"):
        looked.configured(inputs())


def test_a_host_forgets_its_runner(host: Path) -> None:
    """Its service is stopped first; what remembers the runner is gone, with the host's lock held meanwhile."""
    for name in (".runner", ".credentials", ".credentials_rsaparams"):
        (host / name).write_text("x")
    with (
        locking.locked(Machines().way(inputs()), patience=0, cancelled=lambda: False),
        pytest.raises(PlayFailed, match="another play runs on it"),
    ):
        Machines().forget(inputs(), Silent())
    Machines().forget(inputs(), Silent())
    assert [path.name for path in host.glob(".*") if path.is_file()] == []
    assert (host / "systemctl").read_text() == "stop actions-runner.service\n"


class Engine:
    """An engine with one container, whose files these are."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def get_archive(self, container: str, path: str) -> Any:
        """A tar with the file."""
        if path not in self.files:
            raise NotFound("no such file")
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            item = tarfile.TarInfo(path.rpartition("/")[2])
            content = self.files[path].encode()
            item.size = len(content)
            archive.addfile(item, io.BytesIO(content))
        return [buffer.getvalue()], {}


@pytest.mark.parametrize(
    ("files", "identity"),
    [({machines.MACHINE_ID: "m1\n"}, "m1"), ({machines.MACHINE_ID: "uninitialized\n"}, ""), ({}, "")],
)
def test_a_containers_id(files: dict[str, str], identity: str) -> None:
    """Read from its file, also while it stands still; before its first boot, and when it is gone, it has none."""
    assert machines._identity(cast(Any, Engine(files)), "c1") == identity


def test_a_container_is_trusted_by_what_the_engine_tells(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for until it has booted, and its key is known before the first connection; one that does not boot is
    told."""
    looks = [("", ""), ("m1", ""), ("m1", "ssh-ed25519 AAAA root@c1")]
    monkeypatch.setattr(machines, "_first_boot_of", lambda container: looks.pop(0) if len(looks) > 1 else looks[0])
    operation, looked = Silent(), Machines()
    looked.first_boot(inputs(machine="c1"), operation)
    assert looked.way(inputs(machine="c1")).known_hosts.read_text() == "runner-1 ssh-ed25519 AAAA\n"
    assert operation.slept == pytest.approx(2 * machines.POLL_SECONDS)
    looks[:] = [("", "")]
    monkeypatch.setattr(machines, "FIRST_BOOT_SECONDS", 0)
    with pytest.raises(PointsmanError, match="has not booted within 0 s"):
        looked.first_boot(inputs(machine="c1"), operation)


def test_answers_grow_old() -> None:
    """An error is not kept, an answer for some time, and not beyond a change."""
    memo: Memo[str] = Memo(seconds=0.05)
    with pytest.raises(ZeroDivisionError):
        memo.get("a", lambda: str(1 / 0))
    assert memo.get("a", lambda: "one") == "one"
    assert memo.get("a", lambda: "two") == "one"
    memo.forget()
    assert memo.get("a", lambda: "three") == "three"
    time.sleep(0.06)
    assert memo.get("a", lambda: "four") == "four"
