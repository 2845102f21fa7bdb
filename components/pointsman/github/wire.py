"""Requests over githubkit: tried as `Patience` allows, failures turned into errors that say what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import count
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pointsman.github.calls import Call
from pointsman.github.errors import GitHubDown, Unsteady
from pointsman.github.failures import SHOWN_CHARACTERS, Answer, Lost, explained
from pointsman.github.kept import Kept
from pointsman.github.patience import Clock, Patience
from pointsman.github.scope import Scope
from pointsman.github.secret import Secret

T = TypeVar("T")

# The version of the API that the types, the slice of tests/standins/openapi and githubkit's models are of.
API_VERSION = "2026-03-10"
USER_AGENT = "pointsman"
# GitHub ends a request itself after 10 s ("Timeouts", REST API best practices): longer waits are for a dead line.
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
PAGE = 100
# A list that changes while its pages are read is read again this often at most.
READINGS = 3


class Wire:
    """A connection to one GitHub, kept open; for one thread at a time."""

    def __init__(
        self,
        token: Secret,
        scope: Scope,
        patience: Patience,
        clock: Clock,
        api_version: str,
        seconds: float,
        keeps: bool = False,
    ) -> None:
        # By name: githubkit takes 0.5 s to import, and its generated types would cost every run of mypy a minute.
        # What comes back is checked by the readings of this package, and by tests against the published description.
        githubkit, httpx = import_module("githubkit"), import_module("httpx")
        split = urlsplit(scope.api_url)
        encrypted = split.scheme == "https"
        self.scope = scope
        self.clock = clock
        self._patience = patience
        self._kept = Kept(keeps)
        self._headers = {"X-GitHub-Api-Version": api_version}
        self._failures = (githubkit.exception.GitHubException, ValueError)
        self._github = githubkit.GitHub(
            token.reveal(),
            base_url=scope.api_url,
            user_agent=USER_AGENT,
            timeout=httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
            # Without encryption the address is this machine's or a neighbour's: no proxy, no certificates to load.
            trust_env=encrypted,
            ssl_verify=encrypted,
            # Nor a redirect, which could lead from there to anywhere with the token.
            follow_redirects=encrypted,
            http_cache=False,
            auto_retry=False,
        )
        self._github.__enter__()

    def close(self) -> None:
        """Closes the connections."""
        self._github.__exit__(None, None, None)

    def ask(self, call: Call, operation: str, *path: str | int, **arguments: Any) -> Any:
        """The JSON that githubkit's `operation` ("actions.cancel_workflow_run") gives, None where it gives nothing."""
        return self.answered(call, operation, *path, **arguments)[1]

    def answered(self, call: Call, operation: str, *path: str | int, **arguments: Any) -> tuple[int, Any]:
        """The HTTP status and the JSON."""
        status, payload, _ = self.whole(call, operation, *path, **arguments)
        return status, payload

    def whole(
        self, call: Call, operation: str, *path: str | int, **arguments: Any
    ) -> tuple[int, Any, Mapping[str, str]]:
        """The HTTP status, the JSON and the headers."""
        group, name = operation.split(".")
        method = getattr(getattr(self._github.rest, group), name)
        key, waited = self._kept.key(operation, path, arguments), 0.0
        headers = self._headers | self._kept.header(key)
        for attempt in count(1):
            try:
                response = method(*path, headers=headers, **arguments)
            except self._failures as error:
                failure = _failure(error)
            else:
                answer = self._kept.answer(key, response.status_code, response.headers, self._json(call, response))
                return response.status_code, answer, response.headers
            wait = self._patience.wait(failure, call.repeatable, attempt, waited, self.clock)
            if wait is None:
                raise explained(call, self.scope, failure, self.clock.now(), attempt) from None
            self.clock.sleep(wait)
            waited += wait
        raise AssertionError("count() has no end")

    def pages(
        self, call: Call, read: Callable[[Any], T], key: str, operation: str, *path: str | int, **arguments: Any
    ) -> tuple[T, ...]:
        """Every item of a list that tells its `total_count`: read again when it changed between its pages."""
        for _ in range(READINGS):
            total, found = self._reading(call, key, operation, *path, **arguments)
            if total is not None and len(found) == total:
                return tuple(self.read(call, read, item) for item in found.values())
        raise Unsteady(
            f"can't {call.doing}: the list changed each of {READINGS} times while its pages were read",
            remedy="run it again when less is going on",
        )

    def some(
        self, call: Call, read: Callable[[Any], T], key: str, limit: int, operation: str, *path: str | int, **more: Any
    ) -> tuple[T, ...]:
        """The first `limit` items of a list; `key` is empty where the list is the whole answer."""
        found: dict[Any, Any] = {}
        for page in count(1):
            payload = self.ask(call, operation, *path, per_page=min(limit, PAGE), page=page, **more)
            items = self.read(call, lambda got: got[key] if key else got, payload)
            found.update(self.read(call, _keyed, items))
            if len(items) < min(limit, PAGE) or len(found) >= limit:
                break
        return tuple(self.read(call, read, item) for item in list(found.values())[:limit])

    def read(self, call: Call, read: Callable[[Any], T], payload: Any) -> T:
        """`payload` as the domain has it; raises GitHubDown when it is not what GitHub publishes."""
        try:
            return read(payload)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._unreadable(call, f"{type(error).__name__}: {error}") from None

    def _reading(
        self, call: Call, key: str, operation: str, *path: str | int, **arguments: Any
    ) -> tuple[int | None, dict[Any, Any]]:
        """One reading of all pages: the count when every page told the same one, and the items by id."""
        totals: set[int] = set()
        found: dict[Any, Any] = {}
        for page in count(1):
            payload = self.ask(call, operation, *path, per_page=PAGE, page=page, **arguments)
            total, items = self.read(call, lambda got: (int(got["total_count"]), list(got[key])), payload)
            totals.add(total)
            found.update(self.read(call, _keyed, items))
            if not items or len(found) >= total or page * PAGE >= total:
                break
        return (totals.pop() if len(totals) == 1 else None), found

    def _json(self, call: Call, response: Any) -> Any:
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            raise self._unreadable(call, response.text[:SHOWN_CHARACTERS]) from None

    def _unreadable(self, call: Call, detail: str) -> GitHubDown:
        return GitHubDown(
            f"can't {call.doing}: the answer of {self.scope.api_url} is not what GitHub publishes",
            remedy="check that github.api_url is the REST API, and that no proxy answers in its place",
            detail=detail,
        )


def _keyed(items: Any) -> dict[Any, Any]:
    """Items by id, or by name where they have none."""
    return {item["id"] if "id" in item else item["name"]: item for item in items}


def _failure(error: Exception) -> Answer | Lost:
    """What githubkit's exception says, as a plain value: the exception itself holds the request, token and all."""
    response = getattr(error, "response", None)
    if response is not None:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, _message(response))
    inner = getattr(error, "exc", error)
    kind = type(inner).__name__
    if kind in ("ConnectError", "ConnectTimeout"):
        return Lost(f"can't be reached ({str(inner) or kind})", sent=False)
    if kind.endswith("Timeout"):
        return Lost("gave no answer in time", sent=True)
    return Lost(f"broke off ({str(inner) or kind})", sent=True)


def _message(response: Any) -> str:
    """GitHub's own words for a failure; a proxy's page is cut short."""
    try:
        body = response.json()
    except ValueError:
        return str(response.text)[:SHOWN_CHARACTERS]
    if not isinstance(body, dict):
        return ""
    fields = body.get("errors") or ()
    more = [
        each if isinstance(each, str) else f"{each.get('field', '')} {each.get('code', '')}".strip() for each in fields
    ]
    return "; ".join(part for part in [str(body.get("message", "")), *more] if part)
