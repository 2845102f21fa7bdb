"""What each request to GitHub is for, and which right of the token it takes: for messages that say what to do.

The names of the rights are those of the token's settings page; sources: GitHub's pages "Permissions required for
fine-grained personal access tokens" and "Scopes for OAuth apps".
"""

from __future__ import annotations

from dataclasses import dataclass

from pointsman.github.scope import Repository, Scope


@dataclass(frozen=True)
class Right:
    """What a token must have: on a repository and in an organisation, for a fine-grained token and a classic one."""

    repository: str
    organisation: str
    classic_repository: str = "repo"
    classic_organisation: str = "admin:org"

    def worded(self, scope: Scope) -> str:
        """The right as it is called for `scope`."""
        if isinstance(scope.of, Repository):
            return f'repository permission "{self.repository}" (a classic token: scope {self.classic_repository})'
        return f'organisation permission "{self.organisation}" (a classic token: scope {self.classic_organisation})'


READ_RUNNERS = Right("Administration: read", "Self-hosted runners: read")
WRITE_RUNNERS = Right("Administration: read and write", "Self-hosted runners: read and write")
READ_SECRETS = Right("Secrets: read", "Secrets: read")
WRITE_SECRETS = Right("Secrets: read and write", "Secrets: read and write")
READ_RUNS = Right("Actions: read", "Actions: read", classic_organisation="repo")
WRITE_RUNS = Right("Actions: read and write", "Actions: read and write", classic_organisation="repo")
READ_ISSUES = Right("Issues: read", "Issues: read", classic_organisation="repo")
WRITE_ISSUES = Right("Issues: read and write", "Issues: read and write", classic_organisation="repo")
ANY = Right("Metadata: read", "Metadata: read")


@dataclass(frozen=True)
class Call:
    """One kind of request: `doing` completes "can't …". `repeatable`: twice does no more than once."""

    doing: str
    right: Right
    repeatable: bool = True
