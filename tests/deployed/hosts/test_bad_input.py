"""What goes wrong with hosts and with GitHub ends in one message with host, task and remedy; the run after converges.

Each on one real host, by the cheapest way that is the user's own: a verb, a single play, or the provider's own call.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pointsman.errors import EXIT_FAULT, EXIT_UNREACHABLE, EXIT_USAGE, PointsmanError
from pointsman.plays import Cause, Outcome, Play, PlayFailed, run_play
from pointsman.resources.provider import registering
from pointsman.targets.docker import names
from tests.deployed.fleet import PRIMARY, REPOSITORY, SECONDARY, Fleet

PLAY_SECONDS = 300.0
PROGRAM = "/srv/runner/actions-runner"
# Without it, the play takes the program for another one and installs it again.
OTHER_PROGRAM = f"rm -f {PROGRAM}/.pointsman-package"


def play(fleet: Fleet, playbook: str, **changes: Any) -> Outcome:
    """One play on the secondary, as the provider runs it; `changes` are made to its variables."""
    with fleet.estate.here():
        variables = {**fleet.plan(SECONDARY).variables, **changes}
        machine = names.container(fleet.estate.name, SECONDARY)
        wanted = Play(fleet.estate.name, playbook, SECONDARY, variables, machine=machine)
        return run_play(wanted, on_task=lambda task: None, timeout=PLAY_SECONDS)


def refused(fleet: Fleet, playbook: str, **changes: Any) -> PlayFailed:
    """How a play that can't end well ends."""
    with pytest.raises(PlayFailed) as failed:
        play(fleet, playbook, **changes)
    assert failed.value.host == SECONDARY
    assert failed.value.remedy or "Remedy:" in str(failed.value)
    assert "Traceback" not in str(failed.value)
    return failed.value


def test_an_unknown_host_is_refused_before_anything_is_done(fleet: Fleet) -> None:
    """With the name that was probably meant."""
    done = fleet.pointsman("harden", "--check", "runer-2")
    assert done.code == EXIT_USAGE
    assert "no host or group runer-2" in done.err
    assert f"did you mean {SECONDARY}?" in done.err


def test_a_key_that_others_could_read(fleet: Fleet) -> None:
    """ssh would refuse it without saying why: told with the file and the command."""
    key = fleet.estate.clone.state / "environments" / fleet.estate.name / "ssh" / "id_ed25519"
    key.chmod(0o644)
    try:
        code, hosts = fleet.harden("--check", SECONDARY)
    finally:
        key.chmod(0o600)
    assert code == EXIT_USAGE
    assert "mode 0644" in hosts[SECONDARY]["message"]
    assert hosts[SECONDARY]["remedy"] == f"chmod 600 {key}"


def test_ssh_that_is_refused_keeps_no_other_host(fleet: Fleet) -> None:
    """The host without sshd is named with 3, the other one is looked at to its end; both are once sshd runs again."""
    fleet.shell(SECONDARY, "systemctl stop ssh.service ssh.socket; pkill -x sshd; true")
    try:
        code, hosts = fleet.harden("--check")
    finally:
        fleet.shell(SECONDARY, "systemctl start ssh.service")
    assert code == EXIT_UNREACHABLE, hosts
    assert hosts[PRIMARY]["good"]
    assert not hosts[SECONDARY]["good"]
    assert SECONDARY in hosts[SECONDARY]["message"]
    assert hosts[SECONDARY]["remedy"]


def test_a_host_key_that_has_changed(fleet: Fleet) -> None:
    """Nobody is logged in to; the message has the command for a host that was made anew."""
    old = "/etc/ssh/ssh_host_ed25519_key"
    fleet.shell(SECONDARY, f"cp -a {old} /root/kept && cp -a {old}.pub /root/kept.pub && rm {old} {old}.pub")
    fleet.shell(SECONDARY, f"ssh-keygen -q -t ed25519 -N '' -f {old} && systemctl restart ssh.service")
    try:
        error = refused(fleet, "harden")
    finally:
        fleet.shell(SECONDARY, f"mv /root/kept {old} && mv /root/kept.pub {old}.pub && systemctl restart ssh.service")
    assert (error.cause, error.exit_code) == (Cause.HOST_KEY, EXIT_UNREACHABLE)
    assert f"ssh-keygen -R {SECONDARY}" in error.remedy


def test_sudo_that_is_missing(fleet: Fleet) -> None:
    """Told by the first task, with what to do."""
    fleet.shell(SECONDARY, "mv /usr/bin/sudo /usr/bin/sudo.away")
    try:
        error = refused(fleet, "bootstrap")
    finally:
        fleet.shell(SECONDARY, "mv /usr/bin/sudo.away /usr/bin/sudo")
    assert error.exit_code == EXIT_FAULT
    assert "sudo is missing" in str(error) or "sudo is not installed" in str(error)
    assert play(fleet, "bootstrap").changed == 0


@pytest.fixture
def reinstalled(fleet: Fleet) -> Iterator[None]:
    """The program is to be installed again; it is, after the test, by the same play: the runner is back at work."""
    fleet.shell(SECONDARY, OTHER_PROGRAM)
    yield
    assert play(fleet, "runner").changed > 0
    assert play(fleet, "runner").changed == 0
    fleet.online(SECONDARY)


@pytest.mark.usefixtures("reinstalled")
def test_a_disk_that_is_full_during_the_installation(fleet: Fleet) -> None:
    """The runner that was there still works; the message says which disk; with room, the same play ends well."""
    fleet.shell(SECONDARY, "mount -t tmpfs -o size=8k tmpfs /var/cache/pointsman")
    try:
        error = refused(fleet, "runner")
    finally:
        fleet.shell(SECONDARY, "umount /var/cache/pointsman")
    assert (error.cause, error.exit_code) == (Cause.DISK, EXIT_FAULT), str(error)
    assert error.task
    fleet.shell(SECONDARY, f"test -x {PROGRAM}/run.sh && systemctl is-active actions-runner.service")


@pytest.mark.usefixtures("reinstalled")
def test_a_program_whose_checksum_is_another(fleet: Fleet) -> None:
    """Nothing of it is installed."""
    package = fleet.plan(SECONDARY).variables["pointsman_runner_package"]
    error = refused(fleet, "runner", pointsman_runner_package={**package, "sha256": "0" * 64})
    assert (error.cause, error.exit_code) == (Cause.CHECKSUM, EXIT_FAULT), str(error)
    fleet.shell(SECONDARY, f"test -x {PROGRAM}/run.sh && systemctl is-active actions-runner.service")


@pytest.fixture(scope="module")
def registration(fleet: Fleet) -> Iterator[dict[str, Any]]:
    """What the secondary is registered with; after all these faults it is taken over as it is."""
    inputs = fleet.registration(SECONDARY)
    yield inputs
    assert fleet.register(inputs)["runnerId"] == inputs["runnerId"]
    fleet.online(SECONDARY)


def unregistered(fleet: Fleet, inputs: dict[str, Any]) -> PointsmanError:
    """Why a registration fails; the one that the host has works on."""
    with pytest.raises(PointsmanError) as failed:
        fleet.register(inputs)
    assert failed.value.remedy
    fleet.shell(SECONDARY, "systemctl is-active actions-runner.service")
    return failed.value


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ({"rights": {"actions": "read"}}, "Administration"),
        ({"rights": {"administration": "write"}, "expires_in": -60}, "token"),
    ],
    ids=["under-scoped", "expired"],
)
def test_a_token_that_is_not_good_enough(
    fleet: Fleet, registration: dict[str, Any], token: dict[str, Any], said: str
) -> None:
    """What it lacks is named; the token itself is not."""
    word = f"ghp_{'t' * 36}"
    fleet.github("POST", "/_control/tokens", token=word, **token)
    file = fleet.estate.clone.state / "other-token"
    file.write_text(word)
    file.chmod(0o600)
    error = unregistered(fleet, {**registration, "token": {"file": str(file)}})
    file.unlink()
    assert error.exit_code == EXIT_USAGE, str(error)
    assert said.lower() in str(error).lower()
    assert word not in str(error)


def test_a_name_that_another_runner_has(fleet: Fleet, registration: dict[str, Any]) -> None:
    """It is left alone."""
    fleet.github("POST", "/_control/runners", holder=REPOSITORY, name="taken", labels=["x"])
    fleet.shell(SECONDARY, f"mv {PROGRAM}/.runner /root/.runner")
    try:
        error = unregistered(fleet, {**registration, "name": "taken"})
    finally:
        fleet.shell(SECONDARY, f"mv /root/.runner {PROGRAM}/.runner")
    assert "the name taken is taken" in str(error)
    assert "runner_name" in error.remedy
    assert {"taken", SECONDARY} <= set(fleet.runners())


def test_a_host_that_is_configured_as_another_runner(fleet: Fleet, registration: dict[str, Any]) -> None:
    """Its present registration is not thrown away for another name."""
    error = unregistered(fleet, {**registration, "name": "another"})
    assert f"{SECONDARY} is configured already, as runner {SECONDARY}" in str(error)
    assert "another" not in fleet.runners()


@pytest.mark.parametrize(
    ("fault", "fields", "exit_code"),
    [
        ("limit", {"status": 429, "retry_after": 3600, "times": 0}, EXIT_UNREACHABLE),
        ("down", {"times": 0}, EXIT_UNREACHABLE),
    ],
    ids=["429", "down"],
)
def test_github_that_refuses_in_the_middle(
    fleet: Fleet, registration: dict[str, Any], fault: str, fields: dict[str, Any], exit_code: int
) -> None:
    """Told as GitHub's, not the host's, with when to try again; the host goes on working meanwhile."""
    with fleet.fault(fault, **fields):
        error = unregistered(fleet, registration)
    assert error.exit_code == exit_code, str(error)


def test_a_runner_that_never_comes_online(
    fleet: Fleet, registration: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait is bounded, and the message says where to look."""
    monkeypatch.setattr(registering, "ONLINE_SECONDS", 4.0)
    fleet.github("PATCH", f"/_control/runners/{SECONDARY}", shown="offline")
    try:
        with pytest.raises(PointsmanError, match="says offline") as failed:
            fleet.register(registration)
    finally:
        fleet.github("PATCH", f"/_control/runners/{SECONDARY}", shown=None)
    assert "journalctl -u actions-runner" in failed.value.remedy
    fleet.online(SECONDARY)
