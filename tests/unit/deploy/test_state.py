"""The passphrase and the estate's id: made once, whoever comes first; never anew over a state that needs them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import pointsman
from pointsman.deploy import variables
from pointsman.errors import PointsmanError
from pointsman.identity import estate_id
from pointsman.toolchain import Toolchain

SOURCE = Path(pointsman.__file__).parents[1]
PASSPHRASE_VARIABLES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
FIRST_RUN = """
import sys
from pointsman.deploy.variables import ensure_passphrase, passphrase_file
from pointsman.identity import estate_id
print("ready", flush=True)
sys.stdin.readline()
ensure_passphrase()
print(passphrase_file().read_text(), estate_id())
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory that is not there yet."""
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path / "state"))
    for name in PASSPHRASE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "state"


def test_two_first_runs_at_once(state: Path) -> None:
    """Both use the same passphrase and the same id, whoever wins; nothing else is left behind."""
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_RUN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )
        for _ in range(2)
    ]
    for run in runs:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("go\n")
        run.stdin.flush()
    told = [run.communicate(timeout=30)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert told[0] == told[1]
    secret, identity = told[0].split()
    assert len(secret) >= 43
    assert len(identity) == 12
    assert sorted(path.name for path in state.iterdir()) == ["estate-id", "passphrase"]
    assert stat.S_IMODE((state / "passphrase").stat().st_mode) == 0o600


def test_they_stay(state: Path) -> None:
    """A later run reads what is there; a leftover of a killed one is not in the way."""
    state.mkdir()
    (state / f"passphrase.{os.getpid()}").touch()
    variables.ensure_passphrase()
    secret, identity = variables.passphrase_file().read_text(), estate_id()
    variables.ensure_passphrase()
    assert (variables.passphrase_file().read_text(), estate_id()) == (secret, identity)


def test_gone_while_a_state_needs_it(state: Path) -> None:
    """A new passphrase could not read the old state: nothing is made, and the message says what to do."""
    stack = variables.stack_file("dev")
    stack.parent.mkdir(parents=True)
    stack.write_text("{}")
    with pytest.raises(PointsmanError, match="passphrase is gone") as refused:
        variables.ensure_passphrase()
    assert str(state / "passphrase") in refused.value.message
    assert "backup" in refused.value.remedy
    assert not variables.passphrase_file().exists()


def test_variables_hold_no_secret(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi is told where the passphrase lies: the variables can be printed and logged."""
    toolchain = object.__new__(Toolchain)
    monkeypatch.setattr(Toolchain, "environment", lambda self: {"PATH": "/tools:/usr/bin"})
    found = variables.of(toolchain)
    secret = (state / "passphrase").read_text()
    assert found == {
        "PATH": "/tools:/usr/bin",
        "PULUMI_BACKEND_URL": f"file://{state}/pulumi",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(state / "passphrase"),
    }
    assert secret not in str(found)
    assert (state / "pulumi").is_dir()


@pytest.mark.parametrize("name", PASSPHRASE_VARIABLES)
def test_a_passphrase_of_the_users_own(name: str, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sets one in the shell keeps it: none is made, none is named, also over a state that it encrypts."""
    monkeypatch.setenv(name, "mine")
    monkeypatch.setattr(Toolchain, "environment", lambda self: {})
    variables.stack_file("dev").parent.mkdir(parents=True)
    variables.stack_file("dev").touch()
    assert set(variables.of(object.__new__(Toolchain))) == {"PULUMI_BACKEND_URL"}
    assert not variables.passphrase_file().exists()
