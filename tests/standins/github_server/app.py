"""The stand-in as a function of requests: faults, contract, rights, budget, the operation itself, contract again."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import control, repository_operations, wire
from .access import Access, Grant
from .contract import Operation, contract
from .faults import Fault, Faults
from .messages import NOT_FOUND, Asked, Reply, refusal
from .operations import HANDLERS
from .world import World

# Where an own server has its REST API; the stand-in answers there and without it.
SERVER_API_PATH = "/api/v3"
# Where runner programs are downloaded: not of the API, so not of the published description.
PACKAGES_PATH = "/_packages/"
VERSION_HEADER = "x-github-api-version"
KEPT_REQUESTS = 1000
MODULES = (repository_operations,)  # their handlers register themselves


class App:
    """One stand-in. `violations` holds each request or answer that the published description does not know."""

    def __init__(
        self,
        slice_file: Path,
        holders: Iterable[str],
        tokens: Iterable[str],
        public_key: str,
        packages: Path | None = None,
    ) -> None:
        self.packages = packages
        self.contract = contract(slice_file)
        self.world = World(holders, public_key)
        self.access = Access(self.world)
        self.faults = Faults(self.world)
        self.violations: list[dict[str, Any]] = []
        self.requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        for token in tokens:
            self.access.grants[token] = Grant()

    def handle(self, asked: Asked) -> Reply:
        """Answers a request."""
        if asked.path.startswith("/_control/"):
            with self.world.changed:
                return control.handle(self, asked)
        if asked.path.startswith(PACKAGES_PATH):
            return self._package(asked.path.removeprefix(PACKAGES_PATH))
        asked = replace(asked, path=asked.path.removeprefix(SERVER_API_PATH) or "/")
        found = self.contract.match(asked.method, asked.path)
        operation = found[0] if found else None
        struck = self.faults.strike(asked, operation)
        reply = next((given for fault in struck if (given := fault.reply(self.world.now().timestamp()))), None)
        if reply is None:
            reply = self._truth(asked, found, struck)
        elif not reply.dropped:
            reply = replace(reply, headers=self.access.headers(asked) | dict(reply.headers))
        reply = _if_changed(asked, reply)
        self._note(asked, operation, reply)
        after = any(fault.kind == "down" and fault.after for fault in struck)
        return replace(reply, dropped=True) if after else reply

    def _package(self, name: str) -> Reply:
        """A runner program, as GitHub's releases have them; a folder is nobody's to look through."""
        path = self.packages / name if self.packages and "/" not in name else None
        return Reply(200, path.read_bytes()) if path and path.is_file() else NOT_FOUND

    def _truth(self, asked: Asked, found: tuple[Operation, dict[str, str]] | None, struck: list[Fault]) -> Reply:
        with self.world.changed:
            if asked.path.startswith("/_runner/"):
                return wire.handle(self.world, asked)
            if asked.path == "/_health":
                return Reply(200, {"status": "good"})
            if found is None:
                self._violated(asked, None, [f"the slice has no {asked.method} {asked.path}"])
                return NOT_FOUND
            operation, params = found
            asked = replace(asked, params=params)
            reply = self._judged(asked, operation, next((each.past for each in struck if each.past), self.world))
            return replace(reply, headers=self.access.headers(asked) | dict(reply.headers))

    def _judged(self, asked: Asked, operation: Operation, world: World) -> Reply:
        """The answer of an operation, when request and answer are as published."""
        version = asked.headers.get(VERSION_HEADER, "")
        if version and version != self.contract.version:
            return refusal(400, f"The API version {version} is not supported")
        if refused := self.access.refused(operation, asked) or self.access.spent(operation, asked):
            return refused
        faults = self.contract.request_faults(operation, asked.params, asked.query, asked.body)
        if not version:
            faults.append("no X-GitHub-Api-Version header")
        if faults:
            return self._violated(asked, operation, faults)
        asks_limit = operation.id == "rate-limit/get"
        reply = self.access.limits(asked) if asks_limit else HANDLERS[operation.id](world, asked)
        faults = self.contract.answer_faults(operation, reply.status, reply.body)
        return self._violated(asked, operation, faults) if faults else reply

    def _violated(self, asked: Asked, operation: Operation | None, faults: list[str]) -> Reply:
        name = operation.id if operation else ""
        self.violations.append({"method": asked.method, "path": asked.path, "operation": name, "faults": faults})
        return refusal(500, f"the stand-in found what GitHub does not publish: {'; '.join(faults)}")

    def _note(self, asked: Asked, operation: Operation | None, reply: Reply) -> None:
        name = operation.id if operation else ""
        query = dict(asked.query)
        self.requests.append(
            {"method": asked.method, "path": asked.path, "query": query, "operation": name, "status": reply.status}
        )


def _if_changed(asked: Asked, reply: Reply) -> Reply:
    """A good answer with its ETag; 304 without the answer where it is the one that the client has."""
    if asked.method != "GET" or reply.status != 200 or asked.path.startswith("/_"):
        return reply
    tag = f'W/"{hashlib.sha256(reply.payload).hexdigest()}"'
    headers = dict(reply.headers) | {"ETag": tag}
    if asked.headers.get("if-none-match") == tag:
        return Reply(304, headers=headers)
    return replace(reply, headers=headers)
