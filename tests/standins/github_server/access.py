"""Who may do what, and how often: tokens with their rights, and the budget of requests."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .contract import Operation
from .messages import Asked, Reply, refusal
from .world import World

HOUR = 3600
# Rights of fine-grained tokens, in the words of the header `X-Accepted-GitHub-Permissions`.
READ, WRITE = "read", "write"


@dataclass(frozen=True)
class Grant:
    """A token's rights: None for all; `holders` it may see, None for all. A classic token tells its `scopes`."""

    rights: Mapping[str, str] | None = None
    holders: frozenset[str] | None = None
    scopes: str | None = None
    expires: datetime | None = None


def needed(operation: Operation) -> tuple[str, str] | None:
    """The right that an operation takes, and whether to read or to write; None where any token will do."""
    name = operation.id
    if name == "rate-limit/get":
        return None
    organisation = operation.path.startswith("/orgs/")
    how = READ if operation.method == "GET" else WRITE
    if "/runner" in operation.path:
        return ("organization_self_hosted_runners" if organisation else "administration"), how
    if "/secrets" in operation.path:
        return ("organization_secrets" if organisation else "secrets"), how
    return ("issues" if name.startswith("issues/") else "actions"), how


class Access:
    """Judges requests by their token, and counts them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.grants: dict[str, Grant] = {}
        self._used: dict[str, int] = {}
        self._until = 0

    def refused(self, operation: Operation, asked: Asked) -> Reply | None:
        """Why the token may not do this, None when it may."""
        if not asked.token:
            return refusal(401, "Requires authentication")
        grant = self.grants.get(asked.token)
        if grant is None or (grant.expires is not None and grant.expires <= self._world.now()):
            return refusal(401, "Bad credentials")
        if "owner" not in asked.params and "org" not in asked.params:
            return None
        seen = asked.holder in self._world.holders
        if not seen or (grant.holders is not None and asked.holder not in grant.holders):
            return refusal(404, "Not Found")
        right = needed(operation)
        if right is None or grant.rights is None:
            return None
        name, how = right
        if grant.rights.get(name) in (how, WRITE):
            return None
        message = "Resource not accessible by personal access token"
        return refusal(403, message, X_Accepted_GitHub_Permissions=f"{name}={how}")

    def spent(self, operation: Operation, asked: Asked) -> Reply | None:
        """Counts a request; the refusal when there were too many. Asking for the limit itself costs nothing."""
        self._renew()
        if operation.id == "rate-limit/get":
            return None
        used = self._used.get(asked.token, 0) + 1
        self._used[asked.token] = used
        if used > self._world.settings.limit:
            return refusal(403, "API rate limit exceeded for user ID 1.")
        return None

    def headers(self, asked: Asked) -> dict[str, str]:
        """What each answer tells of the token and its budget."""
        self._renew()
        used, limit = self._used.get(asked.token, 0), self._world.settings.limit
        told = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - used)),
            "X-RateLimit-Used": str(min(used, limit)),
            "X-RateLimit-Reset": str(self._until),
            "X-RateLimit-Resource": "core",
        }
        grant = self.grants.get(asked.token)
        if grant is not None and grant.scopes is not None:
            told["X-OAuth-Scopes"] = grant.scopes
        if grant is not None and grant.expires is not None:
            told["GitHub-Authentication-Token-Expiration"] = f"{grant.expires:%Y-%m-%d %H:%M:%S} UTC"
        return told

    def limits(self, asked: Asked) -> Reply:
        """The answer to "how much is left"."""
        self._renew()
        used, limit = self._used.get(asked.token, 0), self._world.settings.limit
        core = {"limit": limit, "used": min(used, limit), "remaining": max(0, limit - used), "reset": self._until}
        other = {"limit": 1000, "used": 0, "remaining": 1000, "reset": self._until}
        return Reply(200, {"resources": {"core": core, "search": other, "actions_runner_registration": other}})

    def _renew(self) -> None:
        now = int(time.time() + self._world.settings.ahead)
        if now >= self._until:
            self._used.clear()
            self._until = now + HOUR
