"""`harden`, `runner drain`, `runner restore` and `verify --hosts`: what is shown, and the exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pointsman.checks import Report
from pointsman.hosts.planning import HostPlan
from pointsman.plays import Cause, Outcome, Play, PlayFailed, Task
from tests.unit.cli.world import BAD, GOOD, UNKNOWN, checkout, run
from tests.unit.verify.doubles import declared

HOSTS = """\
runners:
  children:
    runners_primary: {hosts: {runner-1: }}
    runners_secondary: {hosts: {runner-2: }}
"""
SAME = Outcome(40, 0, (), 3.0)
CHANGED = Outcome(
    40, 1, ("ssh : Write",), 5.0, ("ssh : Write: /etc/ssh/x.conf\n-PermitRootLogin yes\n+PermitRootLogin no",)
)
REFUSED = PlayFailed("SSH is refused", host="runner-2", cause=Cause.REFUSED, remedy="systemctl status ssh")
BROKEN = PlayFailed("it broke", host="runner-2", task="ssh : Write", cause=Cause.TASK, remedy="mend it")

Ends = dict[str, Outcome | PlayFailed]


@pytest.fixture
def plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Ends, list[Play]]:
    """Two hosts whose plays end as told; those that were run."""
    root = checkout(tmp_path / "clone", dev="{}")
    folder = root / "inventory" / "test"
    (folder / "group_vars").mkdir(parents=True)
    (folder / "hosts.yml").write_text(HOSTS)
    (folder / "group_vars" / "all.yml").write_text("ansible_user: pointsman\n")
    monkeypatch.setenv("POINTSMAN_ROOT", str(root))
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("POINTSMAN_CACHE_DIR", str(tmp_path / "cache"))
    hosts = tuple(HostPlan(name, True, 22, 1, 1.0, {"x": name}, None, "") for name in ("runner-1", "runner-2"))
    monkeypatch.setattr("pointsman.declared.declared", lambda name: replace(declared(), hosts=hosts))
    ends: Ends = {"runner-1": SAME, "runner-2": SAME}
    seen: list[Play] = []

    def play(wanted: Play, *, on_task: Any, **others: Any) -> Outcome:
        seen.append(wanted)
        on_task(Task(wanted.host, "Write", 1, "ssh"))
        end = ends[wanted.host]
        if isinstance(end, PlayFailed):
            raise end
        return end

    monkeypatch.setattr("pointsman.plays.run_play", play)
    return ends, seen


@pytest.mark.parametrize(
    ("words", "end", "code"),
    [
        (("--check",), SAME, 0),
        (("--check",), CHANGED, 1),
        ((), CHANGED, 0),
        (("--check",), REFUSED, 3),
        ((), BROKEN, 1),
    ],
)
def test_exit_codes_of_harden(
    plays: tuple[Ends, list[Play]], words: tuple[str, ...], end: Outcome | PlayFailed, code: int
) -> None:
    """0 for hosts as they should be, 1 for drift and for a task that failed, 3 for a host that is not reached; the
    other host is played to its end."""
    ends, seen = plays
    ends["runner-2"] = end
    result = run("harden", *words)
    assert result.exit_code == code, result.output
    assert {(each.host, each.playbook, each.check) for each in seen} == {
        (name, "site", bool(words)) for name in ("runner-1", "runner-2")
    }
    assert all(each.variables == {"x": each.host} and each.machine for each in seen)
    assert "✓ runner-1" in result.output


def test_drift_is_shown_with_file_and_lines(plays: tuple[Ends, list[Play]]) -> None:
    """Host, task, file, and what goes and comes."""
    plays[0]["runner-2"] = CHANGED
    shown = run("harden", "--check").output
    for text in ("≠ runner-2: 1 of 40 tasks differ", "ssh : Write: /etc/ssh/x.conf", "-PermitRootLogin yes"):
        assert text in shown


def test_a_failure_is_shown_with_its_remedy_and_in_the_document(plays: tuple[Ends, list[Play]]) -> None:
    """For people and for scripts."""
    plays[0]["runner-2"] = BROKEN
    assert "next: mend it" in run("harden").output
    document = json.loads(run("harden", "--output", "json").stdout)
    good, bad = document["hosts"]
    assert (good["good"], bad["good"], bad["exit_code"], bad["task"]) == (True, False, 1, "ssh : Write")


def test_hosts_are_chosen_by_name_and_group(plays: tuple[Ends, list[Play]]) -> None:
    """An unknown name is refused with the one that was meant, and nothing is played."""
    assert run("harden", "runners_secondary").exit_code == 0
    assert [each.host for each in plays[1]] == ["runner-2"]
    refused = run("harden", "runer-2")
    assert refused.exit_code == 2
    assert "did you mean runner-2?" in refused.output
    assert len(plays[1]) == 1


def test_drain_wants_names(plays: tuple[Ends, list[Play]]) -> None:
    """Nobody takes all runners out of work by an empty line."""
    assert run("runner", "drain").exit_code == 2
    assert not plays[1]


def test_verify_of_hosts_counts_what_it_could_not_prove(
    plays: tuple[Ends, list[Play]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All three outcomes are shown and counted; the exit code is that of the report."""
    asked: list[Any] = []

    def prove(estate: Any, wanted: Any) -> Report:
        asked.append(list(wanted))
        return Report((GOOD, UNKNOWN, BAD))

    monkeypatch.setattr("pointsman.hosts.proving.prove", prove)
    result = run("verify", "--hosts")
    assert result.exit_code == 1
    assert "1 pass, 1 fail, 1 not verifiable here" in result.output
    run("verify", "--host", "runner-1", "--host", "runner-2")
    assert asked == [[], ["runner-1", "runner-2"]]
