"""Secrets on their way from where they are kept into a volume: their values are in no input, output or message."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from pointsman.errors import PointsmanError, UsageError
from pointsman.resources.provider.kinds import Props

# As long as GitHub's classic tokens, in hexadecimal digits.
GENERATED_BYTES = 20


def read(sources: Mapping[str, Props]) -> dict[str, str]:
    """The value of each secret, made where it is generated and missing.

    Raises UsageError that names the source of one that is not there.
    """
    return {name: _value(source) for name, source in sources.items()}


def seen(sources: Mapping[str, Props]) -> str | None:
    """What tells these values from others without telling them; None where one cannot be read here and now."""
    try:
        values = {name: _kept(source) for name, source in sources.items()}
    except PointsmanError:
        return None
    return fingerprint(values)


def fingerprint(values: Mapping[str, str]) -> str:
    """Twelve hex digits: enough to see a change, too few to find a random token by."""
    return hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:12] if values else ""


def _value(source: Props) -> str:
    path = Path(source.get("file", "")).expanduser()
    if source.get("generated") and not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(GENERATED_BYTES))
    return _kept(source)


def _kept(source: Props) -> str:
    from pointsman.github.credentials import read_secret, read_token

    name, file = source.get("environment", ""), source.get("file", "")
    if not name and not file:
        raise UsageError("nothing says where the secret is", remedy="name a file or an environment variable")
    path = None if name else Path(file).expanduser()
    what = source.get("what", "")
    return (read_secret(what, path, name) if what else read_token(path, name)).reveal()
