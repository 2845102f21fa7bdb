"""What goes wrong with GitHub, each with what to do next."""

from __future__ import annotations

from datetime import datetime

from pointsman.errors import PointsmanError, UnreachableError, UsageError


class GitHubError(PointsmanError):
    """GitHub refused a request. `status` is the HTTP status, 0 when there was none."""

    status = 0


class BadToken(GitHubError, UsageError):
    """401: GitHub does not know the token, or it has expired or been revoked."""

    status = 401


class MissingPermission(GitHubError, UsageError):
    """403: the token is good and may not do this. `permission` is what it lacks."""

    status = 403

    def __init__(self, message: str, *, permission: str = "", remedy: str = "", detail: str = "") -> None:
        super().__init__(message, remedy=remedy, detail=detail)
        self.permission = permission


class RateLimited(GitHubError, UnreachableError):
    """403 or 429: the budget of requests is used up until `reset`, longer than it was worth waiting."""

    status = 429

    def __init__(self, message: str, *, reset: datetime, remedy: str = "", detail: str = "") -> None:
        super().__init__(message, remedy=remedy, detail=detail)
        self.reset = reset


class NotFound(GitHubError):
    """404: the thing is not there, or the token may not even see it: GitHub does not tell which."""

    status = 404


class Conflict(GitHubError):
    """409: what is asked for contradicts what is there."""

    status = 409


class NameTaken(Conflict):
    """409: a runner of this name is registered already."""


class Refused(GitHubError):
    """422, or any other refusal: GitHub understood the request and will not do it."""

    status = 422


class RunnerBusy(Refused):
    """422: a runner that runs a job can't be removed."""


class GitHubDown(GitHubError, UnreachableError):
    """GitHub does not answer, answers 5xx, or its answer can't be read; more tries changed nothing."""


class MaybeDone(GitHubDown):
    """A request that may not be repeated got no answer: whether it was carried out is unknown."""


class Unsteady(GitHubDown):
    """A list changed at each reading of its pages, so that no whole reading was had."""
