"""Which groups, hosts and variables are written where; what Ansible makes of them is not decided here.

Only the order in which Ansible looks (`Layout.where`) is known, to say in which line a resolved value was written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pointsman.inventory.documents import Parsed
from pointsman.inventory.files import GROUP_VARS, HOST_VARS, HOSTS
from pointsman.spec.base import Location
from pointsman.spec.document import Document, Mapping, Node, Place, Scalar

Layer = Literal["host_vars", "host", "group_vars", "group"]
SECTIONS = ("hosts", "children", "vars")
SUFFIXES = (".yml", ".yaml")
ALL = "all"


@dataclass(frozen=True)
class Written:
    """A value as it is written: in which document, where in it, and what."""

    document: Document
    at: Location
    place: Place
    node: Node


@dataclass
class GroupEntry:
    """A group of hosts.yml: where its name stands first, and what is said of it anywhere."""

    at: Location
    place: Place
    is_described: bool = False
    children: dict[str, Written] = field(default_factory=dict)
    hosts: dict[str, Written] = field(default_factory=dict)


@dataclass
class Layout:
    """The whole inventory as written. `odd` are nodes that have not the shape that they should, each with what was
    expected."""

    parsed: Parsed
    groups: dict[str, GroupEntry] = field(default_factory=dict)
    hosts: dict[str, Written] = field(default_factory=dict)
    variables: dict[tuple[Layer, str], dict[str, Written]] = field(default_factory=lambda: defaultdict(dict))
    odd: list[tuple[Written, str]] = field(default_factory=list)
    files: dict[tuple[Layer, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def where(self, host: str, groups: Sequence[str], name: str) -> Written | None:
        """Where the value was written that a variable has for a host; `groups` from the outermost in. None where it is
        written nowhere that can be read."""
        places: list[tuple[Layer, str]] = [("host_vars", host), ("host", host)]
        inward = [ALL, *(group for group in groups if group != ALL)]
        places += [("group_vars", group) for group in reversed(inward)]
        places += [("group", group) for group in reversed(inward)]
        written = (self.variables.get(place, {}).get(name) for place in places)
        return next((each for each in written if each is not None), None)

    @cached_property
    def members(self) -> dict[str, set[str]]:
        """The groups that each host is in, directly or through others."""
        found: dict[str, set[str]] = {host: set() for host in self.hosts}
        for name, group in self.groups.items():
            for host in group.hosts:
                found[host] |= {name, *self.above(name)}
        return found

    def above(self, name: str) -> set[str]:
        """The groups that a group is in, directly or through others; itself among them where there is a loop."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            new = self._parents.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found

    @cached_property
    def _parents(self) -> dict[str, set[str]]:
        parents: dict[str, set[str]] = defaultdict(set)
        for name, group in self.groups.items():
            for child in group.children:
                parents[child].add(name)
        return dict(parents)

    def written(self) -> Iterator[tuple[Layer, str, str, Written]]:
        """Every variable: layer, host or group, name, and what is written."""
        for (layer, owner), variables in self.variables.items():
            yield from ((layer, owner, name, each) for name, each in variables.items())


def lay_out(parsed: Parsed) -> Layout:
    """The layout of an inventory that may have any mistake."""
    layout = Layout(parsed)
    document = parsed.hosts
    if isinstance(document.root, Mapping):
        for name, entry in document.root.entries.items():
            _group(layout, Written(document, (name,), entry.place, entry.node), name)
    elif document.root is not None:
        layout.odd.append((Written(document, (), document.root.place, document.root), "a mapping of groups"))
    for name, each in parsed.documents.items():
        if name != HOSTS and (owner := vars_owner(name)):
            layout.files[owner].append(name)
            if each.root is not None:
                _variables(layout, owner, Written(each, (), each.root.place, each.root))
    return layout


def vars_owner(name: str) -> tuple[Layer, str] | None:
    """Whose variables a file holds, by its path in the folder; None where it is read by nobody."""
    folder, _, rest = name.partition("/")
    first, _, below = rest.partition("/")
    suffix = next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")
    if folder not in (GROUP_VARS, HOST_VARS) or not suffix:
        return None
    owner = first if below else first.removesuffix(suffix)
    return ("group_vars" if folder == GROUP_VARS else "host_vars", owner)


def _group(layout: Layout, written: Written, name: str) -> None:
    group = layout.groups.setdefault(name, GroupEntry(written.at, written.place))
    for section, each in _entries(layout, written, f"a mapping with {', '.join(SECTIONS)}"):
        if section not in SECTIONS:
            layout.odd.append((each, f"one of {', '.join(SECTIONS)}"))
            continue
        group.is_described = True
        if section == "vars":
            _variables(layout, ("group", name), each)
            continue
        for key, below in _entries(layout, each, f"a mapping of {'hosts' if section == 'hosts' else 'groups'}"):
            if section == "children":
                group.children.setdefault(key, below)
                _group(layout, below, key)
            else:
                group.hosts.setdefault(key, below)
                layout.hosts.setdefault(key, below)
                _variables(layout, ("host", key), below)


def _variables(layout: Layout, owner: tuple[Layer, str], written: Written) -> None:
    for name, each in _entries(layout, written, "a mapping of variables"):
        layout.variables[owner][name] = each


def _entries(layout: Layout, written: Written, expected: str) -> Iterator[tuple[str, Written]]:
    """What stands in a mapping; nothing may stand there either."""
    if isinstance(written.node, Mapping):
        for key, entry in written.node.entries.items():
            yield key, Written(written.document, (*written.at, key), entry.place, entry.node)
    elif not (isinstance(written.node, Scalar) and written.node.value is None):
        layout.odd.append((written, expected))
