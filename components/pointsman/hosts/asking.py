"""GitHub's own word on a host's runner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pointsman.hosts.planning import Registration

if TYPE_CHECKING:
    from pointsman.github import Secret
    from pointsman.github.model import Runner

ANSWER_SECONDS = 5.0


def token(registration: Registration) -> Secret:
    """The token that the registration names. Raises UsageError when it is not there, or open to others."""
    from pointsman import github

    named = registration.token
    file = Path(named["file"]).expanduser() if "file" in named else None
    return github.read_token(file, named.get("environment", ""))


def runner(registration: Registration) -> Runner | None:
    """The runner as GitHub knows it now; None when it does not. Asked once: raises PointsmanError without an answer."""
    from pointsman import github
    from pointsman.github.patience import HURRIED

    scope = github.Scope.parse(registration.url, registration.api_url)
    with github.connect(scope, token(registration), patience=HURRIED, seconds=ANSWER_SECONDS) as client:
        return client.runners.named(registration.runner)
