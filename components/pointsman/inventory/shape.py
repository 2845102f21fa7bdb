"""What is wrong with groups, hosts and files of an inventory, before any value is looked at."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from pointsman.inventory.documents import whole_file
from pointsman.inventory.files import GROUP_VARS, HOST_VARS, HOSTS
from pointsman.inventory.layout import ALL, SECTIONS, GroupEntry, Layout, Written, vars_owner
from pointsman.inventory.model import MONITORED, PARTS, RUNNERS
from pointsman.inventory.variables import is_host_name, is_network
from pointsman.spec.mistakes import Kind, Mistake, shown

ORDINARY_GROUPS = (RUNNERS, *PARTS, MONITORED)
_UNGROUPED = "ungrouped"
_HOST_NAME_RULE = "a host's name: small letters, digits, hyphens and dots, such as build-1.example.org"


def shape_mistakes(layout: Layout) -> Iterator[Mistake]:
    """Every mistake of the shape."""
    yield from (_odd(written, expected) for written, expected in layout.odd)
    yield from _files(layout)
    if not layout.hosts:
        # Whatever else is wrong with the file is why; without it, what to write is all that can be said.
        if not layout.odd and not any(each.file == layout.parsed.hosts.file for each in layout.parsed.mistakes):
            yield whole_file(layout.parsed.hosts.file, "there is no host", "at least one host in a group")
        return
    for name, written in layout.hosts.items():
        yield from _host_name(name, written, layout)
    loops = list(_loops(layout))
    yield from loops
    yield from _groups(layout)
    if not loops:
        yield from _reach(layout)


def has_loop(layout: Layout) -> bool:
    """Whether a group is in itself, which Ansible refuses."""
    return any(True for _ in _loops(layout))


def meant(name: str, known: Iterable[str], likeness: float = 0.75) -> str:
    """The known name that was probably meant, as advice. Names of one family share their first word: what is less alike
    than the usual `likeness` (of 1) was not meant."""
    near = difflib.get_close_matches(name[:64], list(known), n=1, cutoff=likeness)
    return f"did you mean {near[0]}?" if near else ""


def at_key(written: Written, problem: str, expected: str, suggestion: str = "", kind: Kind = "wrong value") -> Mistake:
    """A mistake at the key of what is written."""
    return written.document.mistake(kind, written.place, written.at, problem, expected, suggestion)


def _odd(written: Written, expected: str) -> Mistake:
    if expected.startswith("one of"):
        key = str(written.at[-1])
        return at_key(written, "unknown key", expected, meant(key, SECTIONS, 0.6), "unknown key")
    return written.document.mistake(
        "wrong value", written.node.place, written.at, written.node.shown, expected, value=written.node.shown
    )


def _files(layout: Layout) -> Iterator[Mistake]:
    folder = layout.parsed.files.shown
    for name in layout.parsed.files.contents:
        if name != HOSTS and vars_owner(name) is None:
            expected = f"{HOSTS}, {GROUP_VARS}/<group>.yml or {HOST_VARS}/<host>.yml"
            yield whole_file(f"{folder}/{name}", "a file that nobody reads", expected)
    for (layer, owner), names in layout.files.items():
        known = {**layout.groups, ALL: None, _UNGROUPED: None} if layer == "group_vars" else layout.hosts
        kind = "group" if layer == "group_vars" else "host"
        tops = sorted({"/".join(name.split("/")[:2]) for name in names})
        if owner not in known:
            problem = f"{HOSTS} has no {kind} {shown(owner)}"
            expected = f"the variables of a {kind} that is there"
            yield whole_file(f"{folder}/{names[0]}", problem, expected, meant(owner, known))
        elif len(tops) > 1:
            yield whole_file(f"{folder}/{names[-1]}", f"{' and '.join(tops)}: only one is read", "one of the two")


def _host_name(name: str, written: Written, layout: Layout) -> Iterator[Mistake]:
    if is_network(name):
        suggestion = f"give it a name, and write ansible_host: {name} below it"
        yield at_key(written, "an address where a name belongs", _HOST_NAME_RULE, suggestion)
    elif "[" in name and "]" in name:
        yield at_key(written, "a range of hosts", "one host a line, so that each can be found, added and removed")
    elif not is_host_name(name):
        near = name.lower().replace("_", "-")
        suggestion = f"did you mean {near}?" if is_host_name(near) else ""
        yield at_key(written, f"{shown(name, quoted=True)} is no host name", _HOST_NAME_RULE, suggestion)
    if name in layout.groups:
        yield at_key(written, "a host and a group are both called so", "a name of its own for each")


def _groups(layout: Layout) -> Iterator[Mistake]:
    members = layout.members
    filled = set().union(*members.values()) if members else set()
    described = [name for name, group in layout.groups.items() if group.is_described]
    for name, group in layout.groups.items():
        if not (name.isascii() and name.isidentifier()):
            yield _of(layout, group, f"{shown(name, quoted=True)} is no group name", "letters, digits and _")
        if name in filled or name in (ALL, _UNGROUPED):
            continue
        if layout.odd:
            continue  # hosts may have been meant by what has another shape
        if not group.is_described:
            near = meant(name, [each for each in dict.fromkeys((*described, *ORDINARY_GROUPS)) if each != name])
            yield _of(layout, group, "unknown group: nothing says what is in it", "a group that is there", near)
        elif all(layout.groups[child].is_described for child in group.children):
            yield _of(layout, group, "the group is empty", "a host in it, or no such group")


def _reach(layout: Layout) -> Iterator[Mistake]:
    """Groups that no play reaches, and hosts whose part is not clear."""
    members = layout.members
    for name in PARTS:
        if name in layout.groups and RUNNERS not in layout.above(name):
            yield _of(layout, layout.groups[name], f"{name} is not in {RUNNERS}", f"{name} among its children")
    for name, group in layout.groups.items():
        lost = [host for host in group.hosts if not members[host] & {*ORDINARY_GROUPS}]
        if lost:
            yield _of(
                layout,
                group,
                f"no play reaches the group: {_some(lost)} {'is' if len(lost) == 1 else 'are'} in no other",
                f"hosts that are in {', '.join(PARTS)} or {MONITORED} as well",
                meant(name, ORDINARY_GROUPS),
            )
    for host, groups in members.items():
        parts = [part for part in PARTS if part in groups]
        written = layout.hosts[host]
        if len(parts) > 1:
            yield at_key(written, f"the host is in {' and in '.join(parts)}", "one of the two", kind="duplicate key")
        elif not parts and RUNNERS in groups:
            yield at_key(
                written, f"the host is in {RUNNERS}, but in none of its parts", f"a host in {' or '.join(PARTS)}"
            )


def _loops(layout: Layout) -> Iterator[Mistake]:
    for name, group in layout.groups.items():
        for child, written in group.children.items():
            if child == name or child in layout.above(name):
                yield at_key(written, f"the group {shown(child)} is in itself", "groups without a loop")


def _of(layout: Layout, group: GroupEntry, problem: str, expected: str, suggestion: str = "") -> Mistake:
    return layout.parsed.hosts.mistake("wrong value", group.place, group.at, problem, expected, suggestion)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
