"""Pictures of pages, taken by a headless Chromium of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from pointsman.errors import UnreachableError

BROWSERS = (
    *("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "google-chrome-stable"),
    *("chrome-headless-shell", "microsoft-edge"),
)
"""Programs that take the same options, in the order in which they are looked for."""
DRAWING_MILLISECONDS = 10_000
"""The page's own time until the picture: Chromium lets it pass as fast as answers come."""
SECONDS = 60.0


def browser() -> str:
    """The path of a Chromium; UnreachableError when this machine has none."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise UnreachableError(
        f"this machine has no Chromium (looked for {', '.join(BROWSERS)})",
        remedy="install the package chromium, or chromium-headless-shell, and try again",
    )


def take(program: str, url: str, file: Path, width: int, height: int) -> None:
    """Writes a PNG of a page, of so many pixels; UnreachableError when the browser can't."""
    with tempfile.TemporaryDirectory(prefix="pointsman-") as profile:
        words = [program, "--headless", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
        # As root, in a container or not, Chromium's own sandbox refuses to start.
        words += ["--no-sandbox"] if os.geteuid() == 0 else []
        words += [f"--window-size={width},{height}", f"--virtual-time-budget={DRAWING_MILLISECONDS}"]
        file.unlink(missing_ok=True)
        try:
            done = subprocess.run(
                [*words, f"--screenshot={file.resolve()}", url], capture_output=True, text=True, timeout=SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UnreachableError(f"{program} took no picture of {url}: {error}") from error
    if done.returncode or not file.is_file():
        raise UnreachableError(f"{program} took no picture of {url}", detail=done.stderr.strip()[-2000:])
