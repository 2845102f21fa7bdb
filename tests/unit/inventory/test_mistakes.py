"""The reader's messages, word for word, of inventories with a mistake each; and all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointsman.inventory import read_folder
from pointsman.inventory.written import VAULT_VARIABLES
from pointsman.spec.mistakes import SpecError
from tests.unit.inventory.folders import GOOD, SHOWN, read_all, written
from tests.unit.inventory.wrong import WRONG


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What is said of each case; Ansible is started once for all of them."""
    above = tmp_path_factory.mktemp("wrong")
    folders = [written(above / str(place), {**GOOD, **files}) for place, (files, _) in enumerate(WRONG.values())]
    with pytest.MonkeyPatch.context() as patch:
        for name in VAULT_VARIABLES:
            patch.delenv(name, raising=False)
        found = read_all(folders)
    return {
        case: [str(mistake) for mistake in each.mistakes] if isinstance(each, SpecError) else []
        for case, each in zip(WRONG, found, strict=True)
    }


@pytest.mark.parametrize("case", WRONG)
def test_each_mistake_is_told_in_our_words(case: str, said: dict[str, list[str]]) -> None:
    """File, line, key path, problem, expectation and advice; nothing else is said."""
    assert said[case] == [f"{SHOWN}/{line}" for line in WRONG[case][1]]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """What can be seen in the files and what only Ansible finds come together, hosts.yml first, each with its line."""
    files = {
        **GOOD,
        "group_vars/runners.yml": "runner_mode: once\nrunner_labels: ['{{ x_gone }}']\nrunner_nme: a\n",
        "host_vars/build-1.yml": "ansible_port: '{{ 70000 }}'\n",
        "hosts.yml": GOOD["hosts.yml"] + "lone:\n  hosts:\n    web:\n",
    }
    with pytest.raises(SpecError) as caught:
        read_folder(written(tmp_path, files), "dev", SHOWN)
    places = [(each.file.removeprefix(f"{SHOWN}/"), each.line, each.key) for each in caught.value.mistakes]
    assert places == [
        ("hosts.yml", 12, "lone"),
        ("group_vars/runners.yml", 1, "runner_mode"),
        ("group_vars/runners.yml", 2, "runner_labels[0]"),
        ("group_vars/runners.yml", 3, "runner_nme"),
        ("host_vars/build-1.yml", 1, "ansible_port"),
    ]
    assert caught.value.exit_code == 2
    assert caught.value.message == "5 mistakes; nothing was touched"


def test_a_refused_lookup_is_not_run(tmp_path: Path) -> None:
    """Checking somebody's pull request runs no command of theirs, however the lookup's name is put together."""
    trap = tmp_path / "was-run"
    files = {**GOOD, "group_vars/runners.yml": f"runner_name: \"{{{{ lookup('pi' ~ 'pe', 'touch {trap}') }}}}\"\n"}
    with pytest.raises(SpecError):
        read_folder(written(tmp_path / "inventory", files), "dev", SHOWN)
    assert not trap.exists()


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    """Neither one in clear, nor one that does not fit, nor the value of a key that is not known."""
    files = {**GOOD, "group_vars/runners.yml": "ansible_become_password: hunter2\ngithub_token: hunter3\n"}
    with pytest.raises(SpecError) as caught:
        read_folder(written(tmp_path, files), "dev", SHOWN)
    assert len(caught.value.mistakes) == 2
    assert "hunter" not in str(caught.value) + str(caught.value.as_dict())
