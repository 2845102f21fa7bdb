"""The variables that make a plain `pulumi` command work on this user's estate, and the passphrase behind them."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from pointsman.errors import PointsmanError
from pointsman.paths import state_dir
from pointsman.toolchain import Toolchain

PASSPHRASE_BYTES = 32


def backend_dir() -> Path:
    """Where Pulumi keeps the state of every environment."""
    return state_dir() / "pulumi"


def passphrase_file() -> Path:
    """The file with the passphrase that encrypts secrets in state."""
    return state_dir() / "passphrase"


def stack_file(environment: str) -> Path:
    """Pulumi's own state of one environment."""
    return backend_dir() / ".pulumi" / "stacks" / "pointsman" / f"{environment}.json"


def of(toolchain: Toolchain) -> dict[str, str]:
    """The variables for a Pulumi command; the passphrase itself is never among them, only the path of its file.

    Raises PointsmanError when the passphrase is gone while a state that it encrypts is there.
    """
    backend_dir().mkdir(parents=True, exist_ok=True)
    found = {**toolchain.environment(), "PULUMI_BACKEND_URL": f"file://{backend_dir()}"}
    # A passphrase that the user's shell sets is the user's choice, as for any Pulumi project.
    if not any(os.environ.get(name) for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")):
        ensure_passphrase()
        found["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(passphrase_file())
    return found


def ensure_passphrase() -> None:
    """Makes a passphrase at first use, readable by this user alone."""
    path = passphrase_file()
    if path.is_file():
        return
    if any(backend_dir().glob(".pulumi/stacks/*/*.json")):
        raise PointsmanError(
            f"{path} is gone, but the state in {backend_dir()} was encrypted with it",
            remedy=f"put the file back from your backup; to start anew, move {backend_dir()} away first",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own, readable by this user alone: the one of a killed run must not be in the way.
    descriptor, mine = tempfile.mkstemp(prefix="passphrase.", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(PASSPHRASE_BYTES))
    try:
        # Of two first runs at once, both must use the passphrase of the one that came first.
        path.hardlink_to(mine)
    except FileExistsError:
        pass
    finally:
        Path(mine).unlink()
