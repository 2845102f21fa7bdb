"""Draws docs/images/first-stack.svg: what `pointsman up` prints, taken from a real run.

`.venv/bin/python docs/images/render.py` brings `dev` up and draws its end; POINTSMAN_ENVIRONMENT names another
environment, which the picture calls `dev` all the same.
"""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from pointsman.cli import up
from pointsman.cli.output import Output
from pointsman.paths import state_dir

PICTURE = Path(__file__).with_name("first-stack.svg")
COLUMNS = 96
SHOWN = {"environment": "dev", "state": "~/.local/state/pointsman"}
DEFAULT_PORTS = {"prometheus": 9090, "loki": 3100, "log-agent": 9080, "node-exporter": 9100}


class Camera(Console):
    """A console that keeps what it prints, without what belongs to one machine."""

    def __init__(self) -> None:
        super().__init__(file=io.StringIO(), record=True, width=COLUMNS, highlight=False)

    def print(self, *objects: Any, **options: Any) -> None:
        """Prints, with the state directory as everybody has it."""
        shown = (each.replace(str(state_dir()), SHOWN["state"]) if isinstance(each, str) else each for each in objects)
        super().print(*shown, **options)


def main() -> int:
    """Runs `up` and draws it."""
    environment = os.environ.get("POINTSMAN_ENVIRONMENT", SHOWN["environment"])
    camera = Camera()
    up.out = camera
    code = up.bring_up(environment, Output.TABLE, camera)
    svg = camera.export_svg(title="make up", unique_id="first-stack")
    # Rich names fonts to be loaded from the network: the reader's own monospace font will do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace("Fira Code", "monospace")
    svg = svg.replace(f"{environment}&#160;is&#160;up", f"{SHOWN['environment']}&#160;is&#160;up")
    PICTURE.write_text(re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
