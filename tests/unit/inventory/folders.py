"""Inventories as tests write them, and what the reader says of many at once: Ansible is started once for all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pointsman.inventory import Inventory
from pointsman.inventory.child import resolved
from pointsman.inventory.files import read_files
from pointsman.inventory.reading import as_written, can_be_resolved, judged, refusal, request
from pointsman.spec.mistakes import SpecError

HOSTS = """\
runners:
  children:
    runners_primary:
      hosts:
        build-1:
    runners_secondary:
      hosts:
        build-2: {ansible_host: build-2.example.org}
monitored:
  children:
    runners:
"""
ALL = "ansible_user: ops\n"
GOOD = {"hosts.yml": HOSTS, "group_vars/all.yml": ALL}
SHOWN = "inventory/dev"


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder with these files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def read_all(folders: list[Path]) -> list[Inventory | SpecError]:
    """What comes of each folder: an inventory or its mistakes."""
    layouts = [as_written(read_files(folder, SHOWN)) for folder in folders]
    asked = [index for index, (layout, _) in enumerate(layouts) if can_be_resolved(layout)]
    answers = dict(zip(asked, resolved([request(layouts[index][0]) for index in asked]), strict=True))
    found: list[Inventory | SpecError] = []
    for index, (layout, mistakes) in enumerate(layouts):
        if index not in answers:
            assert mistakes, f"{folders[index]}: not resolved, and nothing is wrong"
            found.append(refusal(mistakes))
            continue
        try:
            found.append(judged(layout, mistakes, answers[index], "dev"))
        except SpecError as error:
            found.append(error)
    return found
