"""The mark of a restore that is under way: volumes whose old data is gone and whose new data is not whole yet.

It lies in the environment's state directory from before the first change until after the last, so that a restore that
was killed is known of: nothing starts a service on half a volume, and the same restore may be run again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pointsman.errors import PointsmanError
from pointsman.paths import environment_dir


@dataclass(frozen=True)
class Journal:
    """`file` is the backup, `volumes` are all that it replaces, `was_up` tells whether services ran before."""

    file: str
    volumes: list[str]
    was_up: bool


def path(environment: str) -> Path:
    """Where the mark is."""
    return environment_dir(environment) / "restore.json"


def read(environment: str) -> Journal | None:
    """The mark; None when no restore is under way. One that cannot be read names no volume."""
    try:
        return Journal(**json.loads(path(environment).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return Journal("a backup", [], was_up=False)


def begin(environment: str, journal: Journal) -> None:
    """Sets the mark."""
    file = path(environment)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(journal)) + "\n", encoding="utf-8")


def end(environment: str) -> None:
    """Takes the mark away."""
    path(environment).unlink(missing_ok=True)


def refuse_unfinished(environment: str) -> None:
    """Raises PointsmanError while a restore of the environment is not finished."""
    found = read(environment)
    if found:
        raise PointsmanError(
            f"a restore of {found.file} into {environment} was cut off: its volumes may hold half of the data",
            remedy=f"pointsman restore {found.file} --env {environment}, which finishes it; "
            f"or pointsman down --env {environment} --volumes, which gives the data up",
        )
