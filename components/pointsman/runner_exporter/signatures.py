"""What lines of the runner program's logs say: errors by class, recovery, ends of jobs. Pure.

Texts: `_diag` signatures of actions/runner 2.336.0 (MessageListener.cs, Program.cs, JobDispatcher.cs, Runner.cs);
tests/standins/runner/CONTRACT.md has those rows that the stand-in keeps to.
"""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import dataclass, field

# In the order in which they are looked for in a line: what names the cause goes before what only names the effect.
_SIGNATURES = (
    ("deprecated", re.compile(r"is deprecated and cannot receive messages|Runner version has been depricated")),
    ("registration_deleted", re.compile(r"registration has been deleted from the server")),
    ("session_conflict", re.compile(r"A session for this runner already exists|TaskAgentSessionConflictException")),
    ("clock_skew", re.compile(r"clock may be out of sync")),
    ("oauth", re.compile(r"VssOAuthTokenRequestException")),
    ("no_space", re.compile(r"No space left on device")),
    ("not_configured", re.compile(r"Not configured\. Run config")),
    ("connect_error", re.compile(r"Runner connect error")),
    ("other", re.compile(r"WRITE ERROR: .*\S")),
)
CLASSES = tuple(name for name, _ in _SIGNATURES)
# The program tells the cause and then what follows from it: the latter does not take the place of the former.
_VAGUE = {"connect_error": 1, "other": 0}
_CAUSE = 2

RESULTS = ("succeeded", "failed", "canceled", "other")
_RECOVERED = re.compile(r"Listening for Jobs|Runner reconnected")
_BEGUN = re.compile(r"Running job: ")
_ENDED = re.compile(r"WRITE LINE: .*Job .* completed with result: (\w+)\s*$")
_STAMP = re.compile(r"\[(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)Z ")
_VERSION = re.compile(r"^\[[^\]]* Listener\] Version: (\d[\d.]{0,30})\s*$")


@dataclass
class Told:
    """What the lines so far said. `error` is the class that nothing has ended yet; times are Unix seconds."""

    error: str | None = None
    seen: dict[str, float] = field(default_factory=dict)
    jobs: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RESULTS, 0))
    last_result: str | None = None
    last_ended: float | None = None
    version: str | None = None
    _moment: float = 0.0

    def line(self, text: str, counted: bool = True) -> None:
        """Takes in a line; `counted` is False for what lies before the exporter's own start."""
        self._stamped(text)
        if found := _VERSION.match(text):
            self.version = found.group(1)
        elif found := _ENDED.search(text):
            self._ended(found.group(1).lower(), counted)
        elif _BEGUN.search(text):
            # The name of a job is free text, and could be that of an error.
            pass
        elif _RECOVERED.search(text):
            self.error = self.error if self.error == "no_space" else None
        else:
            self._error(text)

    def _stamped(self, text: str) -> None:
        if found := _STAMP.match(text):
            self._moment = float(timegm(tuple(int(part) for part in found.groups())))

    def _ended(self, word: str, counted: bool) -> None:
        result = word if word in RESULTS else "other"
        self.last_result, self.last_ended = result, self._moment
        self.jobs[result] += counted
        if result == "succeeded":
            self.error = None

    def _error(self, text: str) -> None:
        name = next((name for name, signature in _SIGNATURES if signature.search(text)), None)
        if name is None:
            return
        self.seen[name] = self._moment
        if self.error is None or _VAGUE.get(name, _CAUSE) >= _VAGUE.get(self.error, _CAUSE):
            self.error = name
