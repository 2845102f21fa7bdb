"""GitHub: a port with the domain's types (`port`, `model`), one adapter over githubkit (`adapter`), its token.

    scope = Scope.parse("https://github.com/acme/app")
    token = read_token(file=Path("/etc/pointsman/github-token"))
    with connect(scope, token) as github:
        preflight(github, token)
        online = [runner for runner in github.runners.all() if runner.online]

githubkit is imported when a client is made, not before: importing this package costs next to nothing.
"""

from pointsman.github.adapter import GitHubClient, connect
from pointsman.github.credentials import TokenReport, Use, preflight, read_secret, read_token
from pointsman.github.patience import Clock, Patience
from pointsman.github.port import GitHub, Issues, Runners, Secrets, Workflows
from pointsman.github.scope import Organisation, Repository, Scope
from pointsman.github.secret import Secret

__all__ = [
    "Clock",
    "GitHub",
    "GitHubClient",
    "Issues",
    "Organisation",
    "Patience",
    "Repository",
    "Runners",
    "Scope",
    "Secret",
    "Secrets",
    "TokenReport",
    "Use",
    "Workflows",
    "connect",
    "preflight",
    "read_secret",
    "read_token",
]
