"""When a host is played, when not, and what is left to do when it is dead."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.plays import Cause, PlayFailed
from pointsman.resources.provider.host_play import REMOVAL, HostPlayKind
from pointsman.resources.provider.kinds import Change
from tests.unit.resources.hosts import VARIABLES, FakeMachines, FakePlays, Silent, failed, inputs

STATE = inputs(machineId="m1", changed=[])


def kind(machines: FakeMachines | None = None, plays: FakePlays | None = None) -> HostPlayKind:
    """With doubles."""
    return HostPlayKind(machines or FakeMachines(), plays or FakePlays())


def diff(state: dict[str, Any] | None = None, **changed: Any) -> Change:
    """From what was played to these inputs."""
    return kind().diff(inputs(), state or STATE, inputs(**changed))


@pytest.mark.parametrize(
    ("changed", "paths"),
    [
        ({}, ()),
        ({"timeout": 60}, ()),
        ({"tree": "t2"}, ("tree",)),
        ({"playbook": "harden"}, ("playbook",)),
        ({"machine": "c2"}, ("machine",)),
        ({"variables": {**VARIABLES, "runner_labels": ["other"]}}, ('variables["runner_labels"]',)),
        ({"variables": {**VARIABLES, "runner_mode": "ephemeral"}}, ('variables["runner_mode"]',)),
        ({"variables": {**VARIABLES, "ansible_host": "10.0.0.9", "ansible_port": 22}}, ()),
    ],
)
def test_what_is_a_reason_to_play(changed: dict[str, Any], paths: tuple[str, ...]) -> None:
    """Tree, variables and machine; neither how long it may take nor the way in."""
    assert diff(**changed) == Change(paths)


def test_another_host_is_another_resource() -> None:
    """Nothing of one host becomes another's."""
    assert diff(host="runner-2") == Change(("host",), replace=True)


@given(st.dictionaries(st.text("ab_", min_size=1, max_size=3), st.integers() | st.lists(st.text(max_size=2))))
def test_equal_variables_never_play(variables: dict[str, Any]) -> None:
    """Whatever they are; and a preview names exactly those that differ."""
    own = inputs(variables=variables)
    assert kind().diff(own, STATE, own) == Change()
    without = inputs(variables={})
    expected = {f'variables["{name}"]' for name in variables}
    assert {*kind().diff(own, STATE, without).paths} == expected


def test_create_and_update_play_the_playbook() -> None:
    """With the host's variables and no secret; a container is first waited for and trusted."""
    machines, plays, operation = FakeMachines(), FakePlays(), Silent()
    made, added = kind(machines, plays).create(inputs(machine="c1"), operation)
    assert (made, added) == ("staging/runner-1", {"machineId": "m1", "changed": ["Write"]})
    (play,) = plays.played
    assert (play.playbook, play.host, play.variables, play.secrets) == ("site", "runner-1", VARIABLES, {})
    assert (play.machine, play.alone, machines.booted) == ("c1", False, 1)
    assert kind(machines, plays).update(STATE, inputs(), operation) == added


def test_a_failed_play_is_not_recorded() -> None:
    """Its message reaches the user, and the next run plays again."""
    with pytest.raises(PlayFailed, match="task “Write”"):
        kind(plays=FakePlays(error=failed(Cause.DISK))).create(inputs(), Silent())


def test_a_machine_that_was_made_anew_is_played_again() -> None:
    """The refresh forgets the machine that was played on, and the diff then says so."""
    machines, operation = FakeMachines(), Silent()
    assert kind(machines).read(STATE, operation) == {"machineId": "m1"}
    machines.id = "m2"
    assert kind(machines).read(STATE, operation) == {"machineId": ""}
    assert diff({**STATE, "machineId": ""}) == Change(("machineId",))
    assert operation.warned == []


def test_a_machine_that_does_not_answer_is_taken_to_be_as_it_was() -> None:
    """A refresh goes on, and says so."""
    operation = Silent()
    assert kind(FakeMachines(is_dead=True)).read(STATE, operation) == {}
    assert "no answer" in operation.warned[0]


@pytest.mark.parametrize("cause", [Cause.SILENT, Cause.REFUSED, Cause.HOST_KEY, Cause.TIMEOUT])
def test_a_dead_host_can_be_removed(cause: Cause) -> None:
    """Delete succeeds and says what stays."""
    operation = Silent()
    plays = FakePlays(error=failed(cause))
    kind(plays=plays).delete(STATE, operation)
    assert plays.names == [REMOVAL]
    assert plays.played[0].alone
    assert "what was installed stays on the host" in operation.warned[0]


def test_a_live_host_that_refuses_is_a_failure() -> None:
    """A task that fails leaves something behind: nobody is told that all is gone."""
    with pytest.raises(PlayFailed):
        kind(plays=FakePlays(error=failed(Cause.TASK))).delete(STATE, Silent())


def test_nothing_is_removed_from_a_container() -> None:
    """It goes with all that is in it."""
    plays = FakePlays()
    kind(plays=plays).delete({**STATE, "machine": "c1"}, Silent())
    assert plays.played == []


@pytest.mark.parametrize(
    ("changed", "key"), [({"timeout": 0}, "timeout"), ({"timeout": "x"}, "timeout"), ({"host": ""}, "host")]
)
def test_wrong_inputs(changed: dict[str, Any], key: str) -> None:
    """Refused by key; what a preview does not know yet is not."""
    assert [failure.key for failure in kind().check(inputs(**changed))] == [key]
    assert kind().check({}) == []
