"""The lock of an environment: which image each service got, so that it gets the same one until told otherwise."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pointsman.errors import UsageError
from pointsman.paths import environment_dir, state_dir

NAME: Final = "images.lock.json"
VERSION: Final = 1
Agent = Literal["alloy", "promtail"]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Hash12 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Entry(_Part):
    version: str
    image_id: Digest
    user: int


class Pulled(_Entry):
    """An image of a registry, pinned by the digest that was seen."""

    source: Literal["registry"] = "registry"
    repository: str
    tag: str
    digest: Digest

    @property
    def reason(self) -> str:
        """Empty: nothing had to be fallen back on."""
        return ""

    @property
    def label(self) -> str:
        """The image for people: repository, tag and digest."""
        return f"{self.repository}:{self.tag}@{self.digest}"


class Made(_Entry):
    """An image made here from packages; `reason` says why it is not the registry's, empty where that was asked for."""

    source: Literal["packages"] = "packages"
    recipe: Hash12
    label: str
    reason: str = ""


Entry = Annotated[Pulled | Made, Field(discriminator="source")]


class Lock(_Part):
    """All of an environment's images.

    `absent` says why each optional service was left out; `unreachable` names the registry hosts that did not answer and
    are not asked again.
    """

    version: int = VERSION
    services: dict[str, Entry] = Field(default_factory=dict)
    agent: Agent | None = None
    agent_reason: str = ""
    absent: dict[str, str] = Field(default_factory=dict)
    unreachable: dict[str, str] = Field(default_factory=dict)


class UnreadableLock(UsageError):
    """The lock file is there but damaged: nothing of it is trusted."""


def path(environment: str) -> Path:
    """Where an environment's lock is."""
    return environment_dir(environment) / NAME


def every() -> list[Path]:
    """The locks of all environments of this user."""
    return sorted((state_dir() / "environments").glob(f"*/{NAME}"))


def read(file: Path) -> Lock | None:
    """The lock in a file, None when there is none.

    Raises UnreadableLock for a truncated or altered file, UsageError for one of another version of Pointsman.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise _unreadable(file, str(error)) from error
    if isinstance(data, dict) and isinstance(data.get("version"), int) and data["version"] > VERSION:
        raise UsageError(
            f"{file}: version {data['version']}; this Pointsman reads version {VERSION}",
            remedy="use the newer Pointsman that wrote it, or delete the file to resolve all images anew",
        )
    try:
        return Lock.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "(top)"
        raise _unreadable(file, f"{where}: {first['msg']}") from error


def write(file: Path, lock: Lock) -> None:
    """Replace the lock in one step: whoever reads sees the old one or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{NAME}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(lock.model_dump(), indent=2, sort_keys=True) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _unreadable(file: Path, why: str) -> UnreadableLock:
    return UnreadableLock(
        f"{file}: damaged ({why})",
        remedy="run `pointsman images ensure`: it resolves all images anew and keeps the damaged file aside",
    )
