"""Resolved hosts, judged and made into the inventory: every mistake is laid to the line that the value comes from."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pydantic_core import ErrorDetails

from pointsman.inventory.answers import Fault, Resolved, ResolvedHost
from pointsman.inventory.building import built
from pointsman.inventory.documents import is_template, scalars, whole_file
from pointsman.inventory.judging import misfit, validated, wrong_value
from pointsman.inventory.layout import Layout, Written
from pointsman.inventory.model import PARTS, Host
from pointsman.inventory.shape import at_key, meant
from pointsman.inventory.variables import NAMES, HostVariables
from pointsman.spec.base import Location, Misfit
from pointsman.spec.document import Place, Scalar
from pointsman.spec.mistakes import Mistake, shown

_RIGHT_PASSWORD = "the password that it was encrypted with"
_LEFT_OVER = re.compile(r"\{\{|\{%")
_NAME_IN_MESSAGE = re.compile(r"'([A-Za-z_]\w*)' is undefined")


@dataclass
class Checked:
    """The hosts that are right, and what is wrong with the others."""

    hosts: list[Host] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


def checked(layout: Layout, resolved: Resolved) -> Checked:
    """Judge all hosts. A value that many hosts have from one line is one mistake, told for the first of them."""
    found = Checked()
    models: dict[str, HostVariables] = {}
    mistakes: list[Mistake] = [_whole(layout, resolved.fault)] if resolved.fault else []
    by_name = {host.name: host for host in resolved.hosts}
    # Hosts that Ansible makes of a key that is no host's name are none of ours; the key is told to be wrong.
    hosts = [by_name[name] for name in layout.hosts if name in by_name]
    for host in hosts:
        mistakes += _faults(layout, host)
        if "" in host.faults:
            continue
        model, wrong, misfits = validated(host.values)
        mistakes += _wrong(layout, host, wrong, misfits)
        if model is not None:
            models[host.name] = model
            mistakes += _left_over(layout, host)
            found.hosts.append(built(host, model))
    mistakes += _without_user(layout, hosts, models)
    mistakes += _shared(layout, hosts, models)
    first: dict[tuple[str, int, int, str], Mistake] = {}
    for each in mistakes:
        first.setdefault((each.file, each.line, each.column, each.key), each)
    found.mistakes = list(first.values())
    return found


def _wrong(
    layout: Layout, host: ResolvedHost, wrong: Sequence[ErrorDetails], misfits: Sequence[Misfit]
) -> Iterator[Mistake]:
    for detail in wrong:
        name = str(detail["loc"][0])
        yield wrong_value(_written(layout, host, name), detail, host.values[name], host.name)
    for each in misfits:
        key = next((key for key in each.keys if str(key[0]) in host.values), each.keys[0])
        written = _written(layout, host, str(key[0]))
        yield misfit(written, key, each, host.name if is_template(written.node) else "")


def _written(layout: Layout, host: ResolvedHost, name: str) -> Written:
    """Where a value is written; the host itself where that cannot be read."""
    return layout.where(host.name, host.groups, name) or layout.hosts[host.name]


def _whole(layout: Layout, fault: Fault) -> Mistake:
    document = layout.parsed.hosts
    expected = "a file with the vault's password" if fault.kind == "vault" else "an inventory that Ansible takes"
    return document.mistake("wrong value", document.place(0), (), shown_message(fault.message), expected)


def _faults(layout: Layout, host: ResolvedHost) -> Iterator[Mistake]:
    for name, fault in host.faults.items():
        if not name:
            yield _whole_host(layout, host, fault)
            continue
        written = _written(layout, host, name)
        place, at, value = _template(written)
        problem, expected, suggestion = _words(layout, host, fault)
        yield written.document.mistake("wrong value", place, at, problem, expected, suggestion, value)


def _whole_host(layout: Layout, host: ResolvedHost, fault: Fault) -> Mistake:
    """Ansible gives up on a host where a file of variables cannot be decrypted."""
    for name in sorted(layout.parsed.encrypted):
        document = layout.parsed.documents[name]
        if fault.kind == "vault":
            return whole_file(document.file, "the file cannot be decrypted", _RIGHT_PASSWORD)
    return at_key(layout.hosts[host.name], shown_message(fault.message), "variables that Ansible takes")


def _template(written: Written) -> tuple[Place, Location, str]:
    """The place, the location and the text of the first template in a value."""
    for at, scalar in scalars(written.node, written.at):
        if "{" in scalar.written:
            return scalar.place, at, scalar.shown
    return written.node.place, written.at, ""


def _words(layout: Layout, host: ResolvedHost, fault: Fault) -> tuple[str, str, str]:
    """Problem, expectation and advice."""
    match fault.kind:
        case "environment":
            names = fault.message
            return (
                f"the environment variable {names} is not set (for {host.name})",
                f"{names} in the environment, or a default: lookup('env', …, default=…)",
                f"export {names.split(', ')[0]}=…",
            )
        case "vault":
            return "the value cannot be decrypted", _RIGHT_PASSWORD, ""
        case "secret":
            return (
                "the value comes from the vault, but is shown, and kept in the state",
                "a value that is no secret, or lookup('env', …)",
                "",
            )
        case "undefined":
            known = [*NAMES, *(name for _, _, name, _ in layout.written())]
            missing = _NAME_IN_MESSAGE.search(fault.message)
            near = meant(missing[1], dict.fromkeys(known)) if missing else ""
            return f"{shown_message(fault.message)} (for {host.name})", "variables that the host has", near
    return f"{shown_message(fault.message)} (for {host.name})", "a Jinja expression that gives a value", ""


def shown_message(message: str) -> str:
    """Ansible's own words, as the part of a sentence: longer than a value may be, and with nothing that moves a
    terminal's cursor."""
    words = message.rstrip(".")
    return words if words.isprintable() else shown(words)


def _left_over(layout: Layout, host: ResolvedHost) -> Iterator[Mistake]:
    """Jinja that was not Jinja to Ansible, since it is marked as unsafe or made by another template."""
    for name, value in host.values.items():
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and _LEFT_OVER.search(text) for text in texts):
            written = _written(layout, host, name)
            place, location, value = _template(written)
            words, expected = f"Jinja is left in the value (for {host.name})", "a value without {{ or {%"
            yield written.document.mistake("wrong value", place, location, words, expected, "", value)


def _without_user(layout: Layout, hosts: Sequence[ResolvedHost], models: dict[str, HostVariables]) -> Iterator[Mistake]:
    """One mistake for all hosts that have none, since one line mends it."""
    lost = [
        host.name
        for host in hosts
        if host.name in models and models[host.name].ansible_user is None and "ansible_user" not in host.faults
    ]
    if lost:
        some = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
        yield at_key(
            layout.hosts[lost[0]],
            f"ansible_user is missing for {some}",
            "the account that plays log in with",
            "write it in group_vars/all.yml",
            "missing key",
        )


def _shared(layout: Layout, hosts: Sequence[ResolvedHost], models: dict[str, HostVariables]) -> Iterator[Mistake]:
    """Runner names and addresses that two hosts have."""
    names: dict[str, list[ResolvedHost]] = defaultdict(list)
    addresses: dict[tuple[str, int], list[ResolvedHost]] = defaultdict(list)
    for host in hosts:
        if not (model := models.get(host.name)):
            continue
        if set(PARTS) & set(host.groups) and "runner_name" not in host.faults:
            names[(model.runner_name or host.name).lower()].append(host)
        if not {"ansible_host", "ansible_port"} & set(host.faults):
            addresses[(model.ansible_host or host.name, model.ansible_port)].append(host)
    for name, sharing in names.items():
        for host in sharing[1:]:
            problem = f"the runner name {name} of {sharing[0].name} again, for {host.name}"
            yield _at_value(layout, host, "runner_name", problem, "a runner name of its own for each host")
    for (address, port), sharing in addresses.items():
        for host in sharing[1:]:
            problem = f"{address}:{port} is {sharing[0].name} already, and {host.name} as well"
            yield _at_value(layout, host, "ansible_host", problem, "an address or port of its own for each host")


def _at_value(layout: Layout, host: ResolvedHost, name: str, problem: str, expected: str) -> Mistake:
    written = _written(layout, host, name)
    value = written.node.shown if isinstance(written.node, Scalar) and written.node.written else ""
    return written.document.mistake("duplicate key", written.place, written.at, problem, expected, value=value)
