"""Runs of GitHub Actions as a source: asked again and again, as often as is declared and GitHub allows.

GitHub tells of no change by itself, so the newest runs are listed, and each that is under way is looked at. An answer
that is the same as before costs nothing of the rate limit; where GitHub names a time to wait for, it is waited for.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pointsman.errors import PointsmanError, UsageError
from pointsman.github import GitHubClient, Patience, Scope, Secret, Workflows, connect, read_token
from pointsman.github.errors import NotFound, RateLimited
from pointsman.runs.github_looking import LATELY, Looks, jobs_of, one_of
from pointsman.runs.github_rows import run_of, steps_of
from pointsman.runs.model import Run, Step
from pointsman.runs.source import Changes, Identity, Page, SourceDown
from pointsman.spec.github_runs import GitHubRuns
from pointsman.spec.scalars import duration_seconds

NAME = "github"
AWAY_SECONDS = 300.0
"""After so long without a look more may have come than one page holds."""
LONGEST_WAIT = 3600.0
"""The longest that GitHub's budgets of requests last."""
# The next look comes soon anyway.
PATIENCE = Patience(tries=2, budget=5.0)
ANSWER_SECONDS = 10.0
API_SCHEMA = 20260310
"""The version of the API that the client asks for, as a number."""


class GitHubSource:
    """The runs of one repository. The token is read anew for each look: another one needs no restart."""

    name = NAME

    def __init__(
        self,
        settings: GitHubRuns,
        client: Callable[[Scope, Secret], GitHubClient] | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`client` makes the connection. Raises UsageError for an address that names no repository."""
        self._settings, self._steady, self._connect = settings, steady, client or _client
        self._scope = Scope.parse(f"{settings.server}/{settings.repository}", settings.api_url or "")
        self._lock = threading.RLock()
        self._client: tuple[Secret, GitHubClient] | None = None
        self._looks = Looks(self.name)
        self._looked: tuple[float, datetime] | None = None
        self._down: SourceDown | None = None
        self._due_at = float("-inf")
        self._told: dict[str, Run] = {}
        self._given, self._turn = "", 0

    def identity(self) -> Identity:
        """Who answers. Raises UsageError where the token is no good or there is no such repository."""
        try:
            with self._asking() as workflows:
                workflows.runs(limit=1)
        except SourceDown as error:
            if isinstance(error.__cause__, UsageError | NotFound):
                raise UsageError(error.message, remedy=error.remedy) from None
            raise
        return Identity(NAME, self._scope.url, str(self._scope), API_SCHEMA, "")

    def changes(self, cursor: str, limit: int = 1000) -> Changes:
        """The runs that GitHub tells otherwise than before; it is asked only where a look is due.

        What was given with a cursor that nobody comes back with is given again.
        """
        with self._lock:
            since, expected = _position(cursor)
            if self._steady() >= self._due_at:
                self._look(since, expected)
            if self._down is not None:
                raise self._down
            if cursor != self._given:
                self._told = {}
            changed = sorted(self._changed(since), key=lambda run: (run.updated_at, run.id))
            given = changed[:limit]
            self._told |= {run.id: run for run in given}
            self._given = self._cursor() if given or not cursor else cursor
            return Changes(tuple(given), self._given, more=len(changed) > len(given))

    def there(self, run_ids: Collection[str]) -> frozenset[str]:
        """Which of them there are: GitHub is asked for those that the last look did not find."""
        known = self._looks.known
        missing = [run_id for run_id in run_ids if run_id not in known]
        if not missing:
            return frozenset(run_ids)
        with self._asking() as workflows:
            gone = {run_id for run_id in missing if one_of(workflows, run_id) is None}
        return frozenset(run_ids) - gone

    def wait(self, seconds: float) -> bool:
        """Until the next look is due."""
        left = self._due_at - self._steady()
        time.sleep(max(0.0, min(left, seconds)))
        return left <= seconds

    def run(self, run_id: str) -> Run | None:
        """One run, asked for now."""
        with self._asking() as workflows:
            found = one_of(workflows, run_id)
            return run_of(found, jobs_of(workflows, found.id), self.name) if found else None

    def steps(self, run_id: str) -> tuple[Step, ...]:
        """Its jobs, asked for now."""
        with self._asking() as workflows:
            return steps_of(run_id, jobs_of(workflows, int(run_id))) if run_id.isdecimal() else ()

    def runs(self, page: Page) -> Sequence[Run]:
        """A page of what the last look found: the newest runs, and all that are under way."""
        found = sorted(self._looks.runs(), key=lambda run: (run.updated_at, run.id), reverse=True)
        if page.before:
            places = {run.id: place for place, run in enumerate(found)}
            found = found[places[page.before] + 1 :] if page.before in places else []
        wanted = (each for each in found if not page.states or each.state in page.states)
        return [each for each in wanted if page.kind in ("", each.kind)][: page.limit]

    def close(self) -> None:
        """Closes the connections."""
        with self._lock:
            if self._client:
                self._client[1].close()
            self._client = None

    def _look(self, since: datetime, expected: Collection[str]) -> None:
        """Looks, and notes when the next look is due; where GitHub does not answer, all that it told before stays."""
        now = self._steady()
        self._due_at = now + duration_seconds(self._settings.interval)
        away = self._looked is None or now - self._looked[0] > AWAY_SECONDS
        try:
            with self._asking() as workflows:
                self._looks.again(workflows, since, expected, away)
        except SourceDown as error:
            self._down = error
            if isinstance(limited := error.__cause__, RateLimited):
                wait = (limited.reset - datetime.now(UTC)).total_seconds()
                self._due_at = max(self._due_at, now + min(wait, LONGEST_WAIT))
            return
        self._down = None
        self._looked = now, datetime.now(UTC)
        self._told = {run_id: run for run_id, run in self._told.items() if run_id in self._looks.known}

    def _changed(self, since: datetime) -> Iterator[Run]:
        for run in self._looks.runs():
            new = run.id not in self._told
            if new and run.state.final and run.updated_at < since - LATELY:
                continue
            if new or self._told[run.id] != run:
                yield run

    def _cursor(self) -> str:
        """Where to go on: when GitHub was looked at, and what was under way. No two are the same."""
        self._turn += 1
        at = self._looked[1].isoformat() if self._looked else ""
        return json.dumps({"at": at, "under_way": self._looks.under_way, "turn": self._turn}, separators=(",", ":"))

    @contextmanager
    def _asking(self) -> Iterator[Workflows]:
        """The repository's runs, for one thread at a time. Raises SourceDown, its cause what the client raised."""
        with self._lock:
            try:
                file = self._settings.token.file
                token = read_token(Path(file).expanduser() if file else None, self._settings.token.environment or "")
                if self._client is None or self._client[0] != token:
                    self.close()
                    self._client = token, self._connect(self._scope, token)
                yield self._client[1].workflows()
            except SourceDown:
                raise
            except PointsmanError as error:
                reason = "missing" if isinstance(error, NotFound) else "refused"
                raise SourceDown(reason, error.message, remedy=error.remedy) from error


def _client(scope: Scope, token: Secret) -> GitHubClient:
    return connect(scope, token, patience=PATIENCE, seconds=ANSWER_SECONDS, keeps=True)


def _position(cursor: str) -> tuple[datetime, tuple[str, ...]]:
    """When GitHub was looked at last, and what was under way then. An empty cursor, or no cursor of ours, is now."""
    try:
        found = json.loads(cursor)
        return datetime.fromisoformat(found["at"]).astimezone(UTC), tuple(map(str, found["under_way"]))
    except (KeyError, TypeError, ValueError):
        return datetime.now(UTC), ()
