"""Why a play or a connection failed, in one message with what to do: read from what Ansible, ssh and modules say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointsman.plays.model import Cause, Play, PlayFailed
from pointsman.plays.rules import AGAIN, CONNECTION, START, TASK, Rule
from pointsman.plays.ssh import Way

LONGEST_LINE = 300
MOST_LINES = 6
# ssh's own exit code when it could not connect.
SSH_FAILED = 255
# What begins the remedy in a message of our own roles.
REMEDY = "Remedy: "
FAILED_EVENTS = ("runner_on_failed", "runner_on_unreachable")


@dataclass(frozen=True)
class _Told:
    """The words that messages are made of."""

    name: str
    environment: str
    address: str
    port: int
    user: str
    key: str
    known_hosts: Path

    @classmethod
    def of(cls, way: Way, environment: str = "") -> _Told:
        key = str(way.key) if way.key else "your own key"
        user = way.user or "the account"
        return cls(way.name, environment, way.address, way.port, user, key, way.known_hosts)


def of_connection(way: Way, errors: str, code: int | None) -> PlayFailed:
    """Why ssh could not connect, or could not take the lock there."""
    found = _ruled((*CONNECTION, *TASK), errors, _Told.of(way), "")
    if found:
        return found
    said = last_line(errors) or f"ssh ended with {code}"
    if code == SSH_FAILED:
        return PlayFailed(
            f"SSH failed: {said}",
            host=way.name,
            cause=Cause.SILENT,
            detail=short(errors),
            remedy=f"try it by hand: ssh -p {way.port} {way.address}",
        )
    return PlayFailed(
        f"the lock of plays can't be taken on the host: {said}",
        host=way.name,
        cause=Cause.TASK,
        detail=short(errors),
        remedy="the host needs flock (package util-linux) and /run/lock that every account may write to",
    )


def of_play(play: Play, way: Way, events: Sequence[Mapping[str, Any]], errors: str) -> PlayFailed:
    """Why a play failed that was neither cancelled nor timed out: by the failure that it told last."""
    told = _Told.of(way, play.environment)
    failed = next((each for each in reversed(events) if _counts(each)), None)
    if failed is None:
        return _before_the_first_task(play, told, events, errors)
    task = title(failed)
    item = _item(events, failed)
    said = words(item)
    if failed["event"] == "runner_on_unreachable" and (found := _ruled(CONNECTION, said, told, task)):
        return found
    found = _ruled(TASK, said, told, task)
    if REMEDY in said:
        return _by_the_role(said, way.name, task, found.cause if found else Cause.TASK)
    if found:
        return found
    if failed["event"] == "runner_on_unreachable":
        return PlayFailed(
            f"the host went out of reach: {last_line(said)}",
            host=way.name,
            task=task,
            cause=Cause.SILENT,
            detail=short(said),
            remedy=f"see whether it is up, {AGAIN}",
        )
    if not said:
        said = "it says nothing, since it deals with secrets"
    first, _, rest = short(said).partition("\n")
    return PlayFailed(
        first, host=way.name, task=task, cause=Cause.TASK, detail=rest, remedy=f"mend what it names, {AGAIN}"
    )


def _by_the_role(said: str, host: str, task: str, cause: Cause) -> PlayFailed:
    """A failure that a role of ours tells, with what to do."""
    problem, _, remedy = " ".join(said.split()).partition(REMEDY)
    return PlayFailed(problem.strip(), host=host, task=task, cause=cause, remedy=remedy.rstrip(". "))


def _before_the_first_task(play: Play, told: _Told, events: Sequence[Mapping[str, Any]], errors: str) -> PlayFailed:
    printed = "\n".join(str(each["text"]) for each in events if each["event"] == "printed")
    said = f"{printed}\n{errors}".strip()
    if found := _ruled(START, said, told, ""):
        return found
    lines = said.splitlines()
    begin = next((place for place, line in enumerate(lines) if re.match(r"\[?ERROR\]?[:!]", line)), None)
    cut = short("\n".join(lines[begin:] if begin is not None else lines[-MOST_LINES:]))
    first, _, rest = cut.partition("\n")
    return PlayFailed(
        f"the play {play.playbook} did not begin: {first or 'Ansible said nothing'}",
        host=play.host,
        cause=Cause.PLAYBOOK,
        detail=rest,
        remedy=f"mend playbooks/{play.playbook}.yml or the inventory, {AGAIN}",
    )


def cancelled(host: str, task: str) -> PlayFailed:
    """The user pressed Ctrl-C."""
    return PlayFailed(
        "cancelled; what was done stays",
        host=host,
        task=task,
        cause=Cause.CANCELLED,
        remedy="run the same command again: it goes on from there",
    )


def timed_out(host: str, task: str, seconds: float) -> PlayFailed:
    """It took too long."""
    return PlayFailed(
        f"not done within {seconds:.0f} s, and stopped; what was done stays",
        host=host,
        task=task,
        cause=Cause.TIMEOUT,
        remedy=f"see what the host does (ssh, then ps and dmesg), {AGAIN}",
    )


def taken(host: str, who: str) -> PlayFailed:
    """Another play runs there."""
    by = f", of {who}" if who else ""
    return PlayFailed(
        f"another play runs on it{by}",
        host=host,
        cause=Cause.LOCKED,
        remedy="wait for its end and run the same command again; a lock goes with the connection that holds it",
    )


def no_ansible(host: str, missing: Path) -> PlayFailed:
    """ansible-playbook is not where it has to be."""
    return PlayFailed(
        f"Ansible is not installed here: {missing} is missing",
        host=host,
        cause=Cause.NO_ANSIBLE,
        remedy="pip install -r requirements/base.txt in the virtual environment",
    )


def no_playbook(play: Play, path: Path) -> PlayFailed:
    """There is no such play."""
    there = ", ".join(sorted(each.stem for each in path.parent.glob("*.yml") if each.stem != "galaxy"))
    return PlayFailed(
        f"there is no play {play.playbook} ({path})",
        host=play.host,
        cause=Cause.PLAYBOOK,
        remedy=f"name one of: {there}" if there else "run it from a whole checkout",
    )


def title(event: Mapping[str, Any]) -> str:
    """The task of an event, as people know it."""
    name, role = str(event.get("task") or ""), str(event.get("role") or "")
    return f"{role} : {name}" if role and name else name


def words(result: Mapping[str, Any]) -> str:
    """What a module said went wrong, most telling first; empty for one that may not say."""
    msg = str(result.get("msg") or result.get("reason") or "")
    more = [str(result.get(key) or "").strip() for key in ("module_stderr", "stderr", "stdout", "module_stdout")]
    if msg.startswith(("non-zero return code", "MODULE FAILURE", "Module result deserialization failed")):
        # The program's own words come first.
        spoken = [short(each, tail=True) for each in more if each][:1]
        return "\n".join([*spoken, f"({msg.splitlines()[0]} {result.get('rc', '')})".replace(" )", ")")])
    item = f" (item {result['item']})" if result.get("item") else ""
    return "\n".join(filter(None, [msg + item if msg else "", *more[:2]])).strip()


def short(text: str, *, tail: bool = False) -> str:
    """The first lines of a text, or its last ones; each of a length that people read."""
    lines = [line.rstrip() for line in text.strip().splitlines() if line.strip()]
    kept = lines[-MOST_LINES:] if tail else lines[:MOST_LINES]
    return "\n".join(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in kept)


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return short(lines[-1]) if lines else ""


def _counts(event: Mapping[str, Any]) -> bool:
    return event["event"] in FAILED_EVENTS and not event.get("ignore_errors")


def _item(events: Sequence[Mapping[str, Any]], failed: Mapping[str, Any]) -> Mapping[str, Any]:
    """The result of the item of a loop that failed, where the failure only says that one did."""
    result: Mapping[str, Any] = failed.get("result") or {}
    if "items" not in str(result.get("msg", "")) or "item" in result:
        return result
    items = [each for each in events if each["event"] == "runner_item_on_failed" and title(each) == title(failed)]
    return (items[0].get("result") or result) if items else result


def _ruled(rules: Sequence[Rule], said: str, told: _Told, task: str) -> PlayFailed | None:
    for rule in rules:
        if not (match := re.search(rule.pattern, said)):
            continue
        start = said.rfind("\n", 0, match.start()) + 1
        fields = {
            **{key: getattr(told, key) for key in told.__dataclass_fields__},
            "first": short(said[start:].splitlines()[0].strip()),
            "last": last_line(said),
            "known_hosts": shlex.quote(str(told.known_hosts)),
        }
        # A key that ssh found by itself is named by ssh.
        if named := next((text for key, text in match.groupdict().items() if key.startswith("file") and text), ""):
            fields["key"] = named
        return PlayFailed(
            rule.problem.format(**fields),
            host=told.name,
            task=task,
            cause=rule.cause,
            remedy=rule.remedy.format(**fields),
        )
    return None
