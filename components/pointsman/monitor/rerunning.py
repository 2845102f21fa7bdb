"""A run is asked for again: of GitHub where it is one of Actions, else of the hook that the settings name."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pointsman.channels.delivering import NotDelivered
from pointsman.channels.posting import post
from pointsman.errors import UnreachableError, UsageError
from pointsman.github import Scope, connect, read_secret, read_token
from pointsman.github import Secret as Revealed
from pointsman.monitor.views import of_run
from pointsman.runs.model import Run
from pointsman.spec.monitor import GitHubRerun, RerunSpec
from pointsman.spec.secrets import Secret

_ACTIONS_RUN = re.compile(r"/([^/]+)/([^/]+)/actions/runs/([0-9]+)(/.*)?")


def rerun(run: Run, settings: RerunSpec) -> str:
    """Asks for it, once, and says whom. Raises UsageError where nothing is set up for it, UnreachableError where it
    was not taken, and the errors of GitHub."""
    if settings.github is not None and (found := _of_actions(run, settings.github)) is not None:
        return _by_github(*found, settings.github)
    if settings.webhook is None:
        raise UsageError(
            f"nothing is set up to run {run.id} again",
            remedy="set rerun.webhook in monitor.yaml; rerun.github for runs whose url is one of GitHub Actions",
        )
    request = uuid.uuid4().hex
    body = {"document": "pointsman.rerun/1", "request_id": request, "run": of_run(run, datetime.now(UTC))}
    try:
        post("the hook", partial(_address, settings.webhook), body, {"Idempotency-Key": request})
    except NotDelivered as error:
        raise UnreachableError(
            f"the hook did not take run {run.id}: {error}", remedy="pointsman monitor check"
        ) from None
    return f"the hook was asked to run it again, request {request}"


def _of_actions(run: Run, settings: GitHubRerun) -> tuple[str, int] | None:
    """The repository and GitHub's id of a run whose address is one of Actions."""
    if not run.url.startswith(f"{settings.server}/"):
        return None
    match = _ACTIONS_RUN.fullmatch(run.url.removeprefix(settings.server).partition("?")[0])
    return (f"{match[1]}/{match[2]}", int(match[3])) if match else None


def _by_github(repository: str, run_id: int, settings: GitHubRerun) -> str:
    scope = Scope.parse(f"{settings.server}/{repository}", str(settings.api_url or ""))
    with connect(scope, _token(settings.token)) as github:
        github.workflows().rerun(run_id, failed_only=settings.failed_only)
    return f"GitHub was asked to run {run_id} of {repository} again"


def _token(secret: Secret) -> Revealed:
    return (
        read_token(Path(secret.file).expanduser()) if secret.file else read_token(environment=secret.environment or "")
    )


def _address(secret: Secret) -> Revealed:
    if secret.file:
        return read_secret(secret.called, Path(secret.file).expanduser())
    return read_secret(secret.called, environment=secret.environment or "")
