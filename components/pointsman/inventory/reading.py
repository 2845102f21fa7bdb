"""Read an environment's inventory: resolved, validated whole, every mistake told at once.

What did not change since the last time is taken from a cache, which needs neither Ansible nor pydantic.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pointsman import paths
from pointsman.errors import UsageError
from pointsman.inventory import cache
from pointsman.inventory.building import as_plain, from_plain
from pointsman.inventory.files import HOSTS, Files, read_files
from pointsman.inventory.model import Group, Inventory

if TYPE_CHECKING:
    from pointsman.inventory.answers import Request, Resolved
    from pointsman.inventory.layout import Layout
    from pointsman.spec.mistakes import Mistake, SpecError

FOLDER = "inventory"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")  # as EnvironmentName of pointsman.spec.scalars


def inventories() -> list[str]:
    """The environments of the checkout that have hosts of their own: one a folder inventory/<name>/, sorted."""
    there = (paths.checkout() / FOLDER).glob(f"*/{HOSTS}")
    return sorted(path.parent.name for path in there if _NAME.fullmatch(path.parent.name))


def has_inventory(environment: str) -> bool:
    """Whether an environment has hosts of its own; one without has no folder inventory/<name>/."""
    return bool(_NAME.fullmatch(environment)) and (paths.checkout() / FOLDER / environment).exists()


def read_inventory(environment: str) -> Inventory:
    """The hosts of inventory/<environment>/ in the checkout.

    Raises UsageError where it is not there or cannot be read, SpecError with all mistakes in it, UnreachableError where
    Ansible is not there.
    """
    if not has_inventory(environment):
        there = inventories()
        near = difflib.get_close_matches(environment, there, n=1)
        raise UsageError(
            f"environment {environment} has no inventory: {FOLDER}/{environment} does not exist",
            remedy=(f"did you mean {near[0]}? " if near else "")
            + ("there is: " + ", ".join(there) if there else f"write {FOLDER}/{environment}/{HOSTS}"),
        )
    folder = paths.checkout() / FOLDER / environment
    kept = paths.environment_dir(environment) / "inventory.json"
    return read_folder(folder, environment, f"{FOLDER}/{environment}", kept)


def read_folder(folder: Path, environment: str, shown: str = "", kept: Path | None = None) -> Inventory:
    """The hosts of a folder, called `shown` in messages; `kept` is the file that they are cached in, None for no cache.

    Raises as `read_inventory` does.
    """
    files = read_files(folder.absolute(), shown or str(folder))
    wanted = cache.key(files)
    if kept is not None and (plain := cache.stored(kept, wanted)):
        return from_plain(plain)
    inventory, variables = _resolve(files, environment)
    if kept is not None:
        cache.store(kept, wanted, variables, as_plain(inventory))
    return inventory


def _resolve(files: Files, environment: str) -> tuple[Inventory, tuple[str, ...]]:
    """The inventory, and the environment variables that it came from."""
    from pointsman.inventory.child import resolved

    layout, mistakes = as_written(files)
    if not can_be_resolved(layout):
        raise refusal(mistakes)
    (answer,) = resolved([request(layout)])
    return judged(layout, mistakes, answer, environment), answer.environment


def as_written(files: Files) -> tuple[Layout, list[Mistake]]:
    """What is written where, and what can be seen to be wrong without Ansible."""
    from pointsman.inventory.documents import parse
    from pointsman.inventory.layout import lay_out
    from pointsman.inventory.shape import shape_mistakes
    from pointsman.inventory.written import written_mistakes

    layout = lay_out(parse(files))
    return layout, [*layout.parsed.mistakes, *shape_mistakes(layout), *written_mistakes(layout)]


def can_be_resolved(layout: Layout) -> bool:
    """Whether Ansible can make anything of it: it is YAML throughout, of the right shape, with hosts, without loops."""
    from pointsman.inventory.shape import has_loop

    return layout.parsed.is_whole and bool(layout.hosts) and not layout.odd and not has_loop(layout)


def request(layout: Layout) -> Request:
    """What Ansible is asked."""
    from pointsman.inventory.answers import Request
    from pointsman.inventory.variables import NAMES, SECRETS

    return Request(str(layout.parsed.files.folder / HOSTS), NAMES, tuple(sorted(SECRETS)))


def judged(layout: Layout, mistakes: Sequence[Mistake], answer: Resolved, environment: str) -> Inventory:
    """The inventory that Ansible's answer gives. Raises SpecError with all that is wrong with it, as written or as
    resolved."""
    from pointsman.inventory.checked import checked

    found = checked(layout, answer)
    told = {(each.file, each.line, each.column, each.key) for each in mistakes}
    # What is wrong as it is written is not told once more as it was resolved.
    new = [each for each in found.mistakes if (each.file, each.line, each.column, each.key) not in told]
    if everything := [*mistakes, *new]:
        raise refusal(everything)
    groups = tuple(Group(name, tuple(each.children), tuple(each.hosts)) for name, each in layout.groups.items())
    files = layout.parsed.files
    return Inventory(environment, files.shown, str(files.folder / HOSTS), tuple(found.hosts), groups)


def refusal(mistakes: Iterable[Mistake]) -> SpecError:
    """All mistakes, each once, in the order of the files; hosts.yml before those that refine it."""
    from pointsman.spec.mistakes import SpecError

    def order(mistake: Mistake) -> tuple[bool, str, int, int, str]:
        return not mistake.file.endswith(HOSTS), mistake.file, mistake.line, mistake.column, mistake.key

    return SpecError(tuple(sorted(dict.fromkeys(mistakes), key=order)))
