"""Encrypted values: used by Ansible, never shown or kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pointsman.inventory import read_folder
from pointsman.spec.mistakes import SpecError
from tests.unit.inventory.folders import ALL, GOOD, SHOWN, written

SECRET = "correct-horse"


@pytest.fixture(scope="module")
def password(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a vault's password."""
    path = tmp_path_factory.mktemp("vault") / "password"
    path.write_text("battery-staple\n")
    return path


@pytest.fixture(scope="module")
def encrypted(password: Path) -> str:
    """The secret, encrypted with it."""
    return _vault(password, SECRET)


def _vault(password: Path, text: str) -> str:
    program = Path(sys.executable).with_name("ansible-vault")
    done = subprocess.run(
        [program, "encrypt", "--vault-password-file", password, "--output", "-"],
        env={"PATH": os.environ["PATH"]}, input=text, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def _tagged(name: str, encrypted: str) -> str:
    return f"{name}: !vault |\n" + "".join(f"  {line}\n" for line in encrypted.splitlines())


@pytest.fixture(autouse=True)
def with_password(password: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password is where Ansible looks for it."""
    monkeypatch.delenv("ANSIBLE_VAULT_IDENTITY_LIST", raising=False)
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(password))


def test_a_password_of_sudo_is_used_and_not_kept(tmp_path: Path, encrypted: str) -> None:
    """It is told to be there, by a variable of its own too; neither the host nor the cache holds it."""
    kept = tmp_path / "inventory.json"
    files = {
        **GOOD,
        "group_vars/all.yml": ALL + "ansible_become_password: '{{ vault_sudo }}'\n",
        "group_vars/runners.yml": _tagged("vault_sudo", encrypted),
    }
    inventory = read_folder(written(tmp_path / "hosts", files), "dev", SHOWN, kept)
    assert [host.secrets for host in inventory.hosts] == [("ansible_become_password",)] * 2
    assert SECRET not in repr(inventory) + kept.read_text()
    assert "ansible_become_password" not in inventory.hosts[0].variables


def test_a_whole_file_may_be_encrypted(tmp_path: Path, password: Path) -> None:
    """Its variables count as if they were written in clear."""
    text = _vault(password, f"ansible_become_password: {SECRET}\nrunner_mode: ephemeral\n")
    with pytest.raises(SpecError) as caught:
        read_folder(written(tmp_path, {**GOOD, "group_vars/runners.yml": text}), "dev", SHOWN)
    (mistake,) = {each.problem for each in caught.value.mistakes}
    assert mistake == "the value comes from the vault, but is shown, and kept in the state"
    text = _vault(password, f"ansible_become_password: {SECRET}\n")
    inventory = read_folder(written(tmp_path, {**GOOD, "group_vars/runners.yml": text}), "dev", SHOWN)
    assert inventory.hosts[0].secrets == ("ansible_become_password",)


def test_a_secret_is_not_let_into_what_is_shown(tmp_path: Path, encrypted: str) -> None:
    """A label from the vault would stand in the state, in GitHub and in every graph."""
    files = {**GOOD, "group_vars/runners.yml": _tagged("vault_a", encrypted) + "runner_labels: ['{{ vault_a }}']\n"}
    with pytest.raises(SpecError) as caught:
        read_folder(written(tmp_path, files), "dev", SHOWN)
    (mistake,) = caught.value.mistakes
    assert mistake.key == "runner_labels[0]"
    assert mistake.problem == "the value comes from the vault, but is shown, and kept in the state"
    assert SECRET not in str(caught.value)


def test_the_wrong_password(tmp_path: Path, encrypted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named at the value that cannot be decrypted."""
    wrong = tmp_path / "wrong"
    wrong.write_text("something else\n")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(wrong))
    files = {**GOOD, "group_vars/runners.yml": _tagged("ansible_become_password", encrypted)}
    with pytest.raises(SpecError) as caught:
        read_folder(written(tmp_path / "hosts", files), "dev", SHOWN)
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.line) == (f"{SHOWN}/group_vars/runners.yml", 1)
    assert mistake.problem == "the value cannot be decrypted"


def test_a_whole_file_and_the_wrong_password(tmp_path: Path, password: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named at the file, once, not at each host."""
    files = {**GOOD, "group_vars/runners.yml": _vault(password, "x_a: 1\n")}
    wrong = tmp_path / "wrong"
    wrong.write_text("something else\n")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(wrong))
    with pytest.raises(SpecError) as caught:
        read_folder(written(tmp_path / "hosts", files), "dev", SHOWN)
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.problem) == (f"{SHOWN}/group_vars/runners.yml", "the file cannot be decrypted")


def test_the_file_of_the_password_is_missing(tmp_path: Path, encrypted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said as such, not as a host's fault."""
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "gone"))
    files = {**GOOD, "group_vars/runners.yml": _tagged("ansible_become_password", encrypted)}
    with pytest.raises(SpecError) as caught:
        read_folder(written(tmp_path / "hosts", files), "dev", SHOWN)
    (mistake,) = caught.value.mistakes
    assert "was not found" in mistake.problem
