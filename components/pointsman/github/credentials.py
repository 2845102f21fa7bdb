"""The token: read from a file or the environment, and proved good before anything is touched."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pointsman.errors import UsageError
from pointsman.github.adapter import GitHubClient
from pointsman.github.errors import GitHubError, MissingPermission, NotFound
from pointsman.github.secret import Secret

# How GitHub's tokens begin ("Behind GitHub's new authentication token formats").
KINDS = {
    "ghp_": "classic",
    "github_pat_": "fine-grained",
    "gho_": "OAuth",
    "ghu_": "app user",
    "ghs_": "app installation",
}
# A classic token of before April 2021 has no prefix and 40 hex digits: the shortest that there is.
SHORTEST = 40
PLACEHOLDER = re.compile(r"\$\{?|\{\{|<.*>|changeme|change-me|your[-_ ]?token|x{6,}|\.\.\.|\*\*\*", re.IGNORECASE)
ADDRESS = re.compile(r"https?://[^\s]+")
# Rights that no one but the owner, and at most the group's readers, may have.
TOO_OPEN = stat.S_IWGRP | stat.S_IRWXO
EXPIRY_HEADER = "github-authentication-token-expiration"


def read_token(file: Path | None = None, environment: str = "") -> Secret:
    """The token in `file`, or in the environment variable called `environment`: exactly one of them is given.

    Raises UsageError when it is not there, readable by others, or can't be a token by its look.
    """
    token = _read("token", "a GitHub token", file, environment)
    _checked(token)
    return token


def read_secret(what: str, file: Path | None = None, environment: str = "") -> Secret:
    """A secret that is no token: `what` is "address", which must be an HTTP address, or "password".

    Raises UsageError as `read_token` does.
    """
    secret = _read(what, f"{'an' if what == 'address' else 'a'} {what}", file, environment)
    value = secret.reveal()
    wrong = ""
    if not value:
        wrong = "is empty"
    elif any(not letter.isprintable() for letter in value):
        wrong = "has more than one line, or letters that cannot be printed"
    elif what == "address" and not ADDRESS.fullmatch(value):
        wrong = "does not begin with https:// or http://, or has a space in it"
    if wrong:
        raise UsageError(f"the {what} of {secret.origin} {wrong}", remedy=f"put the {what} there, and nothing else")
    return secret


def _read(what: str, one: str, file: Path | None, environment: str) -> Secret:
    if (file is None) == (not environment):
        raise UsageError(f"{one} comes from one file or one environment variable", remedy="name one of the two")
    return _from_file(file, what) if file is not None else _from_environment(environment, what)


def _from_file(path: Path, what: str) -> Secret:
    try:
        # By the open file, so that what is checked is what is read.
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & TOO_OPEN:
                raise UsageError(
                    f"the {what} file {path} can be read or written by others (mode {stat.S_IMODE(mode):04o})",
                    remedy=f"chmod 600 {path}; if others were on this machine meanwhile, make a new {what}",
                )
            return Secret(file.read().strip(), f"file {path}")
    except FileNotFoundError:
        raise UsageError(
            f"the {what} file {path} does not exist", remedy=f"write the {what} there, mode 600: {path}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"the {what} file {path} can't be read: {reason}", remedy=f"ls -l {path}") from None


def _from_environment(name: str, what: str) -> Secret:
    value = os.environ.get(name, "").strip()
    if not value:
        problem = f"the environment variable {name} holds no {what}"
        raise UsageError(problem, remedy=f"set {name}, or give a {what} file")
    return Secret(value, f"environment variable {name}")


def _checked(token: Secret) -> None:
    """Raises UsageError for what can be no token; its text is never shown."""
    value = token.reveal()
    wrong = ""
    if not value:
        wrong = "is empty"
    elif PLACEHOLDER.search(value):
        wrong = "holds a placeholder that nobody filled in"
    elif any(letter.isspace() for letter in value):
        wrong = "holds more than one word"
    elif not re.fullmatch(r"[\x21-\x7e]+", value):
        wrong = "has letters that no token has"
    elif len(value) < SHORTEST:
        wrong = f"is too short to be a token ({len(value)} letters); a runner's registration token is no GitHub token"
    if wrong:
        raise UsageError(f"the GitHub token of {token.origin} {wrong}", remedy="put the token there, and nothing else")


def kind(token: Secret) -> str:
    """Which kind of token it is by its beginning, `unknown` for another."""
    return next((name for prefix, name in KINDS.items() if token.reveal().startswith(prefix)), "unknown")


class Use(StrEnum):
    """What the token will be used for, each proved by a request that changes nothing."""

    RUNNERS = "runners"
    SECRETS = "secrets"
    RUNS = "runs"


@dataclass(frozen=True)
class TokenReport:
    """A token that was proved good. `scopes` is of classic tokens; `expires` is None where GitHub does not tell."""

    kind: str
    scopes: tuple[str, ...]
    expires: datetime | None
    proved: tuple[Use, ...]


def preflight(github: GitHubClient, token: Secret, uses: Collection[Use] = (Use.RUNNERS,)) -> TokenReport:
    """Proves that the token is good and may do what it is for; nothing changes on GitHub.

    Raises BadToken at once; MissingPermission or NotFound with everything that it may not do.
    """
    headers = github.answer_headers()
    proofs: dict[Use, Callable[[], object]] = {
        # The only right that can't be read from a list is the one to register, so a registration token is asked for.
        Use.RUNNERS: github.runners.registration_token,
        Use.SECRETS: github.secrets.all,
        Use.RUNS: lambda: github.workflows().runs(limit=1),
    }
    wrong: list[GitHubError] = []
    for use in uses:
        try:
            proofs[use]()
        except (MissingPermission, NotFound) as error:
            wrong.append(error)
    if wrong:
        raise _together(wrong)
    return TokenReport(kind(token), _scopes(headers), expiry(headers), tuple(uses))


def expiry(headers: Mapping[str, str]) -> datetime | None:
    """When the token expires, by the header that GitHub sends with each answer ("2026-03-01 12:00:00 UTC")."""
    text = headers.get(EXPIRY_HEADER, "")
    for form in ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %z"):
        try:
            moment = datetime.strptime(text, form)
        except ValueError:
            continue
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return None


def _scopes(headers: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",") if scope.strip())


def _together(wrong: list[GitHubError]) -> GitHubError:
    """One error for all of `wrong`: of the kind of the first, with each message and each remedy once."""
    if len(wrong) == 1:
        return wrong[0]
    message = "\n".join(error.message for error in wrong)
    remedy = "; ".join(dict.fromkeys(error.remedy for error in wrong))
    detail = "\n".join(dict.fromkeys(error.detail for error in wrong if error.detail))
    if not isinstance(first := wrong[0], MissingPermission):
        return type(first)(message, remedy=remedy, detail=detail)
    needed = ", ".join(error.permission for error in wrong if isinstance(error, MissingPermission))
    return MissingPermission(message, permission=needed, remedy=remedy, detail=detail)
