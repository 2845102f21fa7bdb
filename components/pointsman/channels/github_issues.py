"""Alerts as GitHub issues: opened, commented on each change, closed when all is over, reopened when it comes back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from pointsman.channels import console
from pointsman.channels.delivering import NotDelivered
from pointsman.channels.issues import LABEL, Mark, body, comment, title
from pointsman.channels.notification import RESOLVED, Notification
from pointsman.channels.posting import Read, fetched
from pointsman.errors import PointsmanError
from pointsman.github import Issues, Patience, Scope, Secret, connect
from pointsman.github.errors import BadToken, Conflict, GitHubDown, MissingPermission, NotFound, RateLimited, Refused
from pointsman.github.model import Issue

# Alertmanager tries again anyway, and others wait meanwhile.
PATIENCE = Patience(tries=2, budget=2.0)
ANSWER_SECONDS = 5.0
_REASONS: dict[type[PointsmanError], str] = {
    RateLimited: "limited",
    GitHubDown: "unreachable",
    BadToken: "refused",
    MissingPermission: "refused",
    NotFound: "refused",
    Conflict: "refused",
    Refused: "refused",
}


class HasIssues(Protocol):
    """The part of the port that is asked."""

    def issues(self, repository: str = "") -> Issues:
        """The issues of the scope's repository."""


Connect = Callable[[Secret], AbstractContextManager[HasIssues]]


class IssueChannel:
    """A repository whose issues tell of alerts. Nothing is kept here: GitHub has all that must be known.

    An issue that somebody closed stays closed as long as the same alerts fire.
    """

    gathers = False

    def __init__(self, scope: Scope, token: Read, labels: tuple[str, ...], client: Connect | None = None) -> None:
        self._scope = scope
        self._token = token
        self._labels = (LABEL, *(label for label in labels if label != LABEL))
        self._client = client or self._connect

    def deliver(self, notification: Notification) -> None:
        """Brings the group's issue up to date. Raises NotDelivered."""
        token = fetched(self._token)
        try:
            # A client each time: its connections belong to the thread that made it.
            with self._client(token) as github:
                self._bring_up_to_date(github.issues(), notification)
        except PointsmanError as error:
            reason = next((reason for kind, reason in _REASONS.items() if isinstance(error, kind)), "internal")
            raise NotDelivered(reason, error.message) from None

    def _bring_up_to_date(self, issues: Issues, notification: Notification) -> None:
        over = notification.status == RESOLVED
        mark = Mark.of(notification)
        issue = self._find(issues, mark, open_only=over)
        if issue is None:
            if not over:
                self._open(issues, notification)
            return
        if not over and Mark.read(issue.body) == mark:
            return
        # The comment first: when what follows fails, it is told twice rather than never.
        head = "All is over" if over else "The alerts have changed" if issue.open else "It has come back"
        issues.comment(issue.number, comment(notification, f"{head}: {notification.counts}."))
        issues.update(issue.number, body=body(notification), open=not over)

    def _find(self, issues: Issues, mark: Mark, open_only: bool) -> Issue | None:
        """The group's issue: an open one before the newest that is closed."""
        for only in (True,) if open_only else (True, False):
            for issue in issues.all([LABEL], open_only=only):
                found = Mark.read(issue.body)
                if found and found.group == mark.group:
                    return issue
        return None

    def _open(self, issues: Issues, notification: Notification) -> None:
        made = issues.create(title(notification), body(notification), self._labels)
        if LABEL not in made.labels:
            console.write(
                "unlabelled",
                issue=made.url,
                error=f"GitHub left out the label {LABEL}, by which the issue would be found again: its token's user "
                "may not label issues there",
            )

    def _connect(self, token: Secret) -> AbstractContextManager[HasIssues]:
        return connect(self._scope, token, patience=PATIENCE, seconds=ANSWER_SECONDS)
