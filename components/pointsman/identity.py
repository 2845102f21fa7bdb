"""Whose an estate is: one id for each state directory, carried as a label by all that it makes."""

from __future__ import annotations

import os
import uuid

from pointsman.paths import state_dir


def estate_id() -> str:
    """The id of this user's estate; made at first use.

    It lies with the Pulumi state and not in a checkout, so that two clones of the repository share one estate.
    """
    path = state_dir() / "estate-id"
    if path.is_file():
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = path.with_name(f"estate-id.{os.getpid()}")
    mine.write_text(f"{uuid.uuid4().hex[:12]}\n")
    try:
        # A link and not a rename: of two first runs at once, both must read the id of the one that came first.
        path.hardlink_to(mine)
    except FileExistsError:
        pass
    finally:
        mine.unlink()
    return path.read_text().strip()
