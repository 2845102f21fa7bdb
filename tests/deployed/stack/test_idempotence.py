"""The second run changes nothing, from any clone and by any command, and leaves no trace in a checkout."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.deployed.conftest import PREFIX, NewClone
from tests.deployed.estate import CHECKOUT, Estate


@pytest.fixture
def twin(estate: Estate, new_clone: NewClone) -> Estate:
    """The same environment seen from a second clone of the same user."""
    return replace(estate, clone=new_clone(like=estate.clone))


def test_a_second_up_changes_nothing_and_the_clone_stays_clean(estate: Estate, twin: Estate) -> None:
    """From another clone of the same user, plain `pulumi` and `pointsman` see the same estate, unchanged and proved.

    After both, and status, logs and the list of images, `git status` of the clone has nothing to say.
    """
    before = estate.ids()
    twin.clone.commit()
    assert twin.pulumi_up("--expect-no-changes") == set()
    told = twin.up()
    assert set(told["changes"]) == {"same"}
    assert told["good"]
    for words in (("status",), ("logs",), ("images", "list")):
        twin.clone.pointsman(*words, "--env", twin.name).good()
    assert twin.clone.git("status", "--short") == ""
    assert estate.ids() == before
    assert not [path for path in (CHECKOUT / "stacks").iterdir() if f"{PREFIX}-" in path.name]


def test_passphrase_is_told_nowhere(estate: Estate) -> None:
    """Neither `pointsman env` nor the state nor any container's settings hold the passphrase in clear."""
    passphrase = (estate.clone.state / "passphrase").read_text().strip()
    assert passphrase not in estate.clone.pointsman("env").good().said
    assert passphrase not in estate.pulumi("stack", "export").good().said
    assert passphrase not in str([container.attrs for container in estate.containers().values()])
    assert (estate.clone.state / "passphrase").stat().st_mode & 0o077 == 0
