"""The secrets that the spec names: each there, readable by this user alone, and like what it should be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pointsman.checks import Check, failed, passed
from pointsman.errors import UsageError
from pointsman.github.credentials import read_secret, read_token
from pointsman.spec.base import Location
from pointsman.spec.mistakes import key_path
from pointsman.spec.models import Environment
from pointsman.spec.secrets import Secret, Token

NAME = "secrets"


def check(environment: str, spec: Environment) -> Check:
    """Whether every file and environment variable that stands for a secret holds one; values are never shown."""
    named = list(named_in(spec))
    faults = [
        (key_path((*at, "file" if each.file else "environment")), fault)
        for at, each in named
        if (fault := _fault(each))
    ]
    if not faults:
        return passed(NAME, f"{len(named)} readable" if named else "none is named")
    return failed(
        NAME,
        "; ".join(f"stacks/{environment}.yaml: {key}: {fault.message}" for key, fault in faults),
        expected="a secret in each file and environment variable that the spec names, for this user alone",
        remedy="; ".join(dict.fromkeys(fault.remedy for _, fault in faults)),
    )


def named_in(spec: Environment) -> Iterator[tuple[Location, Secret]]:
    """Every secret of the spec with its key."""
    if token := spec.runners.github.token:
        yield ("runners", "github", "token"), token
    if spec.monitor.enabled and (password := spec.monitor.store.password):
        yield ("monitor", "store", "password"), password
    if spec.monitor.enabled and spec.monitor.github:
        yield ("monitor", "github", "token"), spec.monitor.github.token
    for place, receiver in enumerate(spec.alertmanager.receivers):
        for key, secret in receiver.secrets():
            yield ("alertmanager", "receivers", place, key), secret


def _fault(secret: Secret) -> UsageError | None:
    path = Path(secret.file).expanduser() if secret.file else None
    variable = secret.environment or ""
    try:
        if isinstance(secret, Token):
            read_token(path, variable)
        else:
            read_secret(secret.called, path, variable)
    except UsageError as error:
        return error
    return None
