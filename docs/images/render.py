"""Draws docs/images/first-stack.svg: what `make up` prints at its end, taken from a real run on `dev`.

Run it with `.venv/bin/python docs/images/render.py`.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from pointsman.cli import up
from pointsman.cli.output import Output
from pointsman.paths import state_dir

PICTURE = Path(__file__).with_name("first-stack.svg")
COLUMNS = 100
EVERYBODYS_STATE = "~/.local/state/pointsman"
# Why a registry was not reached, in the words of one machine's network.
REASON = re.compile(r" \(Get [^)]*\)")


class Camera(Console):
    """A console that keeps what it prints, without the paths and addresses of one machine."""

    def __init__(self) -> None:
        super().__init__(file=io.StringIO(), record=True, width=COLUMNS, highlight=False)

    def print(self, *objects: Any, **options: Any) -> None:
        """Prints, with the state directory as everybody has it."""
        super().print(*(_everybodys(each) if isinstance(each, str) else each for each in objects), **options)


def _everybodys(text: str) -> str:
    return REASON.sub("", text.replace(str(state_dir()), EVERYBODYS_STATE))


def main() -> int:
    """Runs `up` and draws it."""
    camera = Camera()
    up.out = camera  # type: ignore[attr-defined]
    code = up.bring_up("dev", Output.TABLE, camera)
    svg = camera.export_svg(title="make up", unique_id="first-stack")
    # Rich names fonts to be loaded from the network: the reader's own monospace font will do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace("Fira Code", "monospace")
    PICTURE.write_text(re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
