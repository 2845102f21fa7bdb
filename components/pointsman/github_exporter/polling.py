"""The poll in the background, and what is known from it at any moment."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pointsman.errors import PointsmanError
from pointsman.github import Patience, Secret, connect, read_token
from pointsman.github.errors import BadToken, GitHubError, RateLimited
from pointsman.github_exporter.settings import Settings
from pointsman.github_exporter.watching import ERRORS, TOKEN, Seen, Watch, Watched, kind

# The next poll comes soon anyway: what one try and another can't reach now waits for it.
PATIENCE = Patience(tries=2, budget=5.0)
ANSWER_SECONDS = 10.0
# An hour is the longest that GitHub's budgets last.
LONGEST_WAIT = 3600.0


@dataclass(frozen=True)
class State:
    """What is known, with the errors of all polls by class; `reason` is why the last poll was not good."""

    seen: Seen | None = None
    good_at: datetime | None = None
    seconds: float = 0.0
    polls: int = 0
    errors: dict[str, int] = field(default_factory=lambda: {name: 0 for name, _ in ERRORS})
    reason: str = "the first poll is under way"


def now_utc() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Poller:
    """Looks at GitHub every interval. The token file is read each time: a new token needs no restart."""

    def __init__(
        self,
        settings: Settings,
        client: Callable[[Secret], Watched] | None = None,
        now: Callable[[], datetime] = now_utc,
    ) -> None:
        self.state = State()
        self._settings = settings
        self._client = client or self._connect
        self._now = now
        self._watch = Watch(settings)
        self._token: Secret | None = None
        self._github: Watched | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Polls in a thread from now on."""
        threading.Thread(target=self._run, name="poll", daemon=True).start()

    def stop(self) -> None:
        """Ends that."""
        self._stopped.set()

    def poll(self) -> float:
        """Looks once; how many seconds to wait until the next time. Raises nothing."""
        begun, now = time.monotonic(), self._now()
        try:
            github = self._connected()
            seen = self._watch.look(github, now)
        except PointsmanError as error:
            seen = Seen(now, errors={TOKEN: BadToken(error.message, remedy=error.remedy)})
        except Exception as error:
            # Whatever it is: a thread that ends would leave the last values standing for good.
            print(f"error: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            seen = Seen(now, errors={TOKEN: GitHubError(f"the poll failed: {type(error).__name__}")})
        self._take(seen, time.monotonic() - begun)
        return self._pause(seen)

    def _connected(self) -> Watched:
        """A client with the token that the file holds now. Raises UsageError when it holds none."""
        token = read_token(self._settings.token_file)
        if self._github is None or token != self._token:
            if self._github is not None:
                self._github.close()
            self._github, self._token, self._watch = self._client(token), token, Watch(self._settings)
        return self._github

    def _connect(self, token: Secret) -> Watched:
        return connect(self._settings.scope, token, patience=PATIENCE, seconds=ANSWER_SECONDS)

    def _take(self, seen: Seen, seconds: float) -> None:
        old = self.state
        counts = dict(old.errors)
        for error in seen.errors.values():
            counts[kind(error)] += 1
        reason = "\n".join(f"{name}: {error}" for name, error in seen.errors.items())
        # The text of a rate limit is another one each second: it is its kind that is told once.
        if reason and _kinds(seen) != (_kinds(old.seen) if old.seen else {}):
            print(f"error: {reason}", file=sys.stderr, flush=True)
        good_at = old.good_at if seen.errors else seen.at
        known = seen.after(old.seen) if old.seen else seen
        self.state = State(known, good_at, seconds, old.polls + 1, counts, reason)

    def _pause(self, seen: Seen) -> float:
        """The interval; longer when GitHub says so."""
        resets = [error.reset for error in seen.errors.values() if isinstance(error, RateLimited)]
        wait = max(((reset - self._now()).total_seconds() for reset in resets), default=0.0)
        return max(self._settings.interval, min(wait, LONGEST_WAIT))

    def _run(self) -> None:
        while not self._stopped.is_set():
            begun = time.monotonic()
            pause = self.poll()
            self._stopped.wait(max(pause - (time.monotonic() - begun), 1.0))


def _kinds(seen: Seen) -> dict[str, str]:
    return {name: kind(error) for name, error in seen.errors.items()}
