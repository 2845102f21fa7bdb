"""Messages from what ansible-runner and ssh really told: the recordings were made on a systemd host with Debian 12."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.errors import EXIT_FAULT, EXIT_UNREACHABLE, EXIT_USAGE
from pointsman.plays import Cause, Play, PlayFailed, Way, failures

RECORDINGS = Path(__file__).parent / "recordings"
WAY = Way("runner-1", "127.0.0.1", 2201, "pointsman", Path("/srv/state/key"), (), Path("/srv/state/ssh"))
PLAY = Play("dev", "site", "runner-1", {})
CONNECTION = {
    "refused": (Cause.REFUSED, "SSH is refused at 127.0.0.1 port 2201", "systemctl status ssh"),
    "unresolved": (Cause.SILENT, "the name 127.0.0.1 is unknown", "mend ansible_host"),
    "user": (Cause.ACCESS, "SSH refuses the login of pointsman", "authorized_keys"),
    "key-missing": (Cause.ACCESS, "Permission denied (publickey", "put the public half of /srv/state/key"),
    "key-open": (Cause.KEY, "ssh takes no key that others could read", "chmod 600 /srv/state/key"),
    "host-key": (
        Cause.HOST_KEY,
        "shows another key than before",
        "ssh-keygen -R runner-1 -f /srv/state/ssh/known_hosts",
    ),
}
PLAYS = {
    "unknown-host": (Cause.UNKNOWN_HOST, "", "has no such host", "inventory graph --env dev", EXIT_USAGE),
    "syntax": (Cause.PLAYBOOK, "", "couldn't resolve module/action 'nomodule'", "mend playbooks/site.yml", EXIT_USAGE),
    "host-key": (Cause.HOST_KEY, "Refuse", "another key than before", "ssh-keygen -R runner-1", EXIT_UNREACHABLE),
    "sudo-password": (Cause.SUDO, "As root", "pointsman may not become root", "NOPASSWD", EXIT_FAULT),
    "sudo-missing": (Cause.SUDO, "As root", "sudo is not installed", "apt-get install sudo", EXIT_FAULT),
    "python-missing": (Cause.PYTHON, "Refuse", "no Python on the host", "apt-get install python3", EXIT_FAULT),
    "disk": (Cause.DISK, "Fill", "No space left on device", "make room", EXIT_FAULT),
    "disk2": (Cause.DISK, "Copy", "No space left on device", "make room", EXIT_FAULT),
    "sum": (Cause.CHECKSUM, "Download", "did not match 0000", "compare url and sha256", EXIT_FAULT),
    "fail": (Cause.TASK, "Refuse", "first", "run the same command again", EXIT_FAULT),
    "failmsg": (Cause.TASK, "Refuse", "This host has no such thing.", "run the same command again", EXIT_FAULT),
    "loop": (Cause.TASK, "Many", "cannot access '/nonexistent'", "run the same command again", EXIT_FAULT),
    "nolog": (Cause.TASK, "Secretive", "deals with secrets", "run the same command again", EXIT_FAULT),
    "undefd": (Cause.TASK, "Undefined", "'nothing' is undefined", "run the same command again", EXIT_FAULT),
}


def recorded(name: str) -> dict[str, Any]:
    """What was told."""
    told: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text())
    return told


def test_every_recording_is_used() -> None:
    """None is left over."""
    used = {*PLAYS, *(f"ssh-{name}" for name in CONNECTION)}
    assert {path.stem for path in RECORDINGS.glob("*.json")} == used


@pytest.mark.parametrize("name", CONNECTION)
def test_connections(name: str) -> None:
    """Each names the host, the cause and one thing to do."""
    told = recorded(f"ssh-{name}")
    cause, problem, remedy = CONNECTION[name]
    failure = failures.of_connection(WAY, told["errors"], told["rc"])
    assert failure.cause is cause
    assert failure.message.startswith("runner-1: ")
    assert problem in failure.message
    assert remedy in failure.remedy
    assert "\n" not in failure.message


@pytest.mark.parametrize("name", PLAYS)
def test_plays(name: str) -> None:
    """Each names host and task, says what the module said, and one thing to do, with the guide's exit code."""
    told = recorded(name)
    cause, task, problem, remedy, code = PLAYS[name]
    failure = failures.of_play(PLAY, WAY, told["events"], told["errors"])
    assert (failure.cause, failure.task, failure.exit_code) == (cause, task, code)
    assert failure.message.startswith(f"runner-1, task “{task}”: " if task else "runner-1: ")
    assert problem in failure.message
    assert remedy in failure.remedy
    assert len(str(failure).splitlines()) <= failures.MOST_LINES + 3


def test_a_program_speaks_before_its_code() -> None:
    """What a command printed as errors comes first; that its code was not zero is no news."""
    told = recorded("fail")
    failure = failures.of_play(PLAY, WAY, told["events"], "")
    assert str(failure).startswith("runner-1, task “Refuse”: first\nsecond\n(non-zero return code 3)\n")


def test_a_role_says_what_to_do() -> None:
    """Its remedy is the remedy; the line that says what is wrong ends before it."""
    result = {"msg": "The runner is not installed on one. Remedy: run site.yml first."}
    told = {"event": "runner_on_failed", "task": "Refuse", "role": "registration", "result": result}
    failure = failures.of_play(PLAY, WAY, [told], "")
    assert failure.message == "runner-1, task “registration : Refuse”: The runner is not installed on one."
    assert failure.remedy == "run site.yml first"


@pytest.mark.parametrize(
    ("error", "words", "code"),
    [
        (failures.cancelled("runner-1", "Sleep"), "task “Sleep”: cancelled; what was done stays", EXIT_FAULT),
        (failures.timed_out("runner-1", "Sleep", 60), "not done within 60 s, and stopped", EXIT_FAULT),
        (failures.taken("runner-1", "ann on desk"), "another play runs on it, of ann on desk", EXIT_UNREACHABLE),
        (failures.of_connection(WAY, "", 255), "SSH failed: ssh ended with 255", EXIT_UNREACHABLE),
        (failures.of_connection(WAY, "sh: flock: not found", 127), "flock (package util-linux)", EXIT_FAULT),
    ],
)
def test_others(error: PlayFailed, words: str, code: int) -> None:
    """What this side decides is worded alike: host, cause, remedy."""
    assert words in str(error)
    assert "\nnext: " in str(error)
    assert error.exit_code == code


texts = st.text(st.sampled_from("abc :[]{}'\"\\\n\té{key}%"), max_size=40)
results = st.fixed_dictionaries({}, optional={"msg": texts, "stderr": texts, "stdout": texts, "item": texts})
events = st.lists(
    st.fixed_dictionaries(
        {"event": st.sampled_from(["printed", "runner_on_failed", "runner_on_unreachable", "runner_item_on_failed"])},
        optional={"task": texts, "role": texts, "result": results, "ignore_errors": st.booleans()},
    ).map(lambda event: {"text": "x", **event}),
    max_size=5,
)


@given(events, texts)
def test_whatever_is_told_makes_a_message(told: list[dict[str, Any]], errors: str) -> None:
    """No text of a module or of ssh breaks it, braces and quotes not either; it names the host and something to do."""
    failure = failures.of_play(PLAY, WAY, told, errors)
    assert failure.message.startswith("runner-1")
    assert failure.remedy
    assert failures.of_connection(WAY, errors, 255).message.startswith("runner-1: ")
