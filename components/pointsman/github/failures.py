"""From a failed request to the error that says what to do. Pure: an answer and the time in, an error out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from pointsman.github.calls import Call
from pointsman.github.errors import (
    BadToken,
    Conflict,
    GitHubDown,
    GitHubError,
    MaybeDone,
    MissingPermission,
    NameTaken,
    NotFound,
    RateLimited,
    Refused,
    RunnerBusy,
)
from pointsman.github.scope import Scope

# GitHub asks for at least a minute where a secondary limit says nothing of how long.
SECONDARY_PAUSE = 60.0
SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class Answer:
    """A failed answer: HTTP status, headers by lower-case name, GitHub's own message."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = ""

    @property
    def limited(self) -> bool:
        """Whether a budget of requests is used up: 429, or a 403 that says so."""
        if self.status == 429:
            return True
        words = self.message.lower()
        spent = self.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in self.headers
        return self.status == 403 and (spent or "rate limit" in words or "abuse detection" in words)

    def pause(self, now: datetime) -> float:
        """Seconds until the next try can succeed, by GitHub's word and by its own clock where it tells it."""
        moment = _date(self.headers.get("date", "")) or now
        after = self.headers.get("retry-after", "")
        if after.isdigit():
            return float(after)
        if (until := _date(after)) is not None:
            return max((until - moment).total_seconds(), 0.0)
        reset = self.headers.get("x-ratelimit-reset", "")
        if reset.isdigit() and self.headers.get("x-ratelimit-remaining", "0") == "0":
            return max((datetime.fromtimestamp(int(reset), UTC) - moment).total_seconds(), 0.0)
        return SECONDARY_PAUSE


@dataclass(frozen=True)
class Lost:
    """A request that got no answer. `sent`: it may have reached GitHub all the same."""

    reason: str
    sent: bool


def explained(call: Call, scope: Scope, failure: Answer | Lost, now: datetime, tries: int = 1) -> GitHubError:
    """The error to show for a request that failed for good after `tries` tries."""
    can_not = f"can't {call.doing}"
    if isinstance(failure, Lost):
        return _lost(call, scope, can_not, failure, tries)
    said = failure.message.strip()[:SHOWN_CHARACTERS]
    if failure.limited:
        return _limited(can_not, failure, now, said)
    if failure.status >= 500:
        return _down(call, can_not, failure, said, tries)
    shapes = {401: _bad_token, 403: _missing_permission, 404: _not_found, 409: _conflict}
    return shapes.get(failure.status, _refused)(call, scope, can_not, failure, said)


def _lost(call: Call, scope: Scope, can_not: str, failure: Lost, tries: int) -> GitHubError:
    counted = f" ({tries} tries)" if tries > 1 else ""
    if failure.sent and not call.repeatable:
        return MaybeDone(
            f"{can_not}: {scope.api_url} {failure.reason}; it may have been done all the same",
            remedy="look on GitHub whether it was, before doing it again",
        )
    return GitHubDown(
        f"{can_not}: {scope.api_url} {failure.reason}{counted}",
        remedy=f"curl -sS {scope.api_url}/rate_limit from this machine; look at https://www.githubstatus.com",
    )


def _down(call: Call, can_not: str, failure: Answer, said: str, tries: int) -> GitHubError:
    counted = f" ({tries} tries)" if tries > 1 else ""
    remedy = "wait and run it again; look at https://www.githubstatus.com"
    if not call.repeatable:
        message = f"{can_not}: GitHub answered {failure.status}; it may have been done all the same"
        return MaybeDone(message, remedy="look on GitHub whether it was, before doing it again", detail=said)
    return GitHubDown(f"{can_not}: GitHub answered {failure.status}{counted}", remedy=remedy, detail=said)


def _limited(can_not: str, failure: Answer, now: datetime, said: str) -> GitHubError:
    pause = failure.pause(now)
    reset = now + timedelta(seconds=pause)
    bucket = failure.headers.get("x-ratelimit-resource", "")
    limit = f"the rate limit of {bucket}" if bucket else "the rate limit"
    return RateLimited(
        f"{can_not}: {limit} is used up for {pause:.0f} s, until {reset:%H:%M:%S} UTC",
        reset=reset,
        remedy="wait until then, or use a token of its own for Pointsman: the limit is counted per user",
        detail=said,
    )


def _bad_token(call: Call, scope: Scope, can_not: str, failure: Answer, said: str) -> GitHubError:
    return BadToken(
        f"{can_not}: GitHub does not accept the token (401): it is mistyped, expired or revoked",
        remedy=f"make a new token with {call.right.worded(scope)} for {scope}, and put it where the old one was",
        detail=said,
    )


def _missing_permission(call: Call, scope: Scope, can_not: str, failure: Answer, said: str) -> GitHubError:
    sso = failure.headers.get("x-github-sso", "")
    if sso:
        return MissingPermission(
            f"{can_not}: the token is not authorised for the single sign-on of {scope} (403)",
            permission="single sign-on",
            remedy='authorise it on GitHub: Settings, Tokens, "Configure SSO"',
            detail=said,
        )
    asked = failure.headers.get("x-accepted-github-permissions", "")
    has = failure.headers.get("x-oauth-scopes")
    more = f"; it has {has or 'none'}" if has is not None else f"; GitHub asks for {asked}" if asked else ""
    return MissingPermission(
        f"{can_not}: the token may not do this on {scope} (403){more}",
        permission=asked or call.right.worded(scope),
        remedy=f"give the token the {call.right.worded(scope)}",
        detail=said,
    )


def _not_found(call: Call, scope: Scope, can_not: str, failure: Answer, said: str) -> GitHubError:
    return NotFound(
        f"{can_not}: GitHub finds no such thing, or the token may not see it (404)",
        remedy=f"check that {scope.url} is spelled right and that the token covers it, with {call.right.worded(scope)}",
        detail=said,
    )


def _conflict(call: Call, scope: Scope, can_not: str, failure: Answer, said: str) -> GitHubError:
    if "already exists" in said.lower():
        return NameTaken(
            f"{can_not}: a runner of this name is registered already (409)",
            remedy=f"remove it at {scope.url} (Settings, Actions, Runners), or take another name",
            detail=said,
        )
    return Conflict(
        f"{can_not}: it contradicts what is there (409)", remedy="look at its state and try again", detail=said
    )


def _refused(call: Call, scope: Scope, can_not: str, failure: Answer, said: str) -> GitHubError:
    if failure.status == 422 and "running a job" in said.lower():
        return RunnerBusy(f"{can_not}: it runs a job (422)", remedy="wait for the job, or cancel its run", detail=said)
    if failure.status == 400 and "version" in said.lower():
        remedy = "set github.api_version to one that this server knows, such as 2022-11-28"
        return Refused(f"{can_not}: the server does not know this version of the API (400)", remedy=remedy, detail=said)
    remedy = "correct what GitHub names above" if said else f"check that {scope.api_url} is a GitHub API"
    return Refused(f"{can_not}: GitHub refused it ({failure.status})", remedy=remedy, detail=said)


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
