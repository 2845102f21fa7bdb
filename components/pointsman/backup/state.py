"""The state of an environment, put back after its directory was lost while its containers still run."""

from __future__ import annotations

import json
import os
from typing import Any

from pointsman.backup.model import Backup
from pointsman.deploy import stack, variables
from pointsman.errors import PointsmanError, UsageError
from pointsman.images import lock as image_lock
from pointsman.paths import state_dir
from pointsman.toolchain import Toolchain

_PASSPHRASE = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


def restore_state(backup: Backup, environment: str, toolchain: Toolchain, *, force: bool) -> None:
    """Puts back the estate's id, the image lock and Pulumi's state; no container and no volume is touched.

    Raises UsageError when the backup is another environment's, holds no state, when there is a state that `force` does
    not give up, when this directory is another estate's, or when the passphrase is not back yet.
    """
    deployment = _deployment(backup)
    _refuse_unfit(backup, environment, force=force)
    _take_identity(backup)
    stack.import_state(environment, variables.of(toolchain), deployment)
    if backup.lock is not None:
        file = image_lock.path(environment)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(backup.lock)


def _deployment(backup: Backup) -> dict[str, Any]:
    if backup.state is None:
        raise UsageError(
            f"{backup.path} holds no state: there was none when it was made",
            remedy="restore its data instead, without --state",
        )
    found: dict[str, Any] = json.loads(backup.state)
    return found


def _refuse_unfit(backup: Backup, environment: str, *, force: bool) -> None:
    if backup.manifest.environment != environment:
        raise UsageError(
            f"{backup.path} is of {backup.manifest.environment}: a state is of one environment only",
            remedy=f"--env {backup.manifest.environment}; into another environment only data is restored",
        )
    if not any(os.environ.get(name) for name in _PASSPHRASE) and not variables.passphrase_file().is_file():
        raise UsageError(
            f"there is no {variables.passphrase_file()}: what is encrypted in the state cannot be read without it",
            remedy="put the passphrase file back from where you keep it; it is in no backup",
        )
    if variables.stack_file(environment).is_file() and not force:
        raise UsageError(
            f"{environment} has a state already: {variables.stack_file(environment)}",
            remedy="add --force to give it up for that of the backup",
        )


def _take_identity(backup: Backup) -> None:
    """The estate's id is what containers and volumes are known by: it must be the one that they carry."""
    file = state_dir() / "estate-id"
    own = file.read_text().strip() if file.is_file() else ""
    if own == backup.manifest.estate:
        return
    others = [path.stem for path in variables.backend_dir().glob(".pulumi/stacks/*/*.json")]
    if own and set(others) - {backup.manifest.environment}:
        raise PointsmanError(
            f"{state_dir()} is estate {own} with environments of its own; the backup is of {backup.manifest.estate}",
            remedy="set POINTSMAN_STATE_DIR to another folder, and put the passphrase file there",
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{backup.manifest.estate}\n")
