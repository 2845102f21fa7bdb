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


def test_second_up_changes_nothing(estate: Estate) -> None:
    """`pointsman up` on what is up replaces no container, updates no resource, and proves all again."""
    before = estate.ids()
    told = estate.up()
    assert set(told["changes"]) == {"same"}
    assert told["good"]
    assert estate.ids() == before


def test_a_second_clone_changes_nothing_and_stays_clean(estate: Estate, twin: Estate) -> None:
    """From another clone, plain `pulumi` and `pointsman` see the same estate, unchanged.

    After preview, up, verify, status, logs, preflight and images, `git status` of the clone has nothing to say.
    """
    before = estate.ids()
    twin.clone.commit()
    twin.pulumi("preview", "--expect-no-changes").good()
    assert twin.pulumi_up("--expect-no-changes") == set()
    assert set(twin.up()["changes"]) == {"same"}
    for words in (("verify",), ("status",), ("logs",), ("preflight",), ("images", "list"), ("images", "ensure")):
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
