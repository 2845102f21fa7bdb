"""What the stand-in's runner program asks, under `/_runner`: the real one's protocol is not published, this is our own.

Refusals carry a `kind` that the runner acts on, as the real one does on the class of the service's exceptions.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from .messages import EMPTY, Asked, Reply
from .operations import runner_files
from .world import IN_PROGRESS, QUEUED, Runner, Session, World

# The real service answers a poll after 50 s at most.
LONGEST_POLL = 50.0
WAY = re.compile(r"/_runner/(?P<what>\w+)(?:/(?P<id>[\w-]+)(?:/(?P<part>\w+))?)?")


def handle(world: World, asked: Asked) -> Reply:
    """Answers one request of a runner."""
    found = WAY.fullmatch(asked.path)
    key = (asked.method, found["what"], found["part"] or "") if found else None
    handler = WAYS.get(key) if key else None
    if found is None or handler is None:
        return _no(404, "NoSuchPath", asked.path)
    return handler(world, asked, found["id"] or "")


def _no(status: int, kind: str, message: str) -> Reply:
    return Reply(status, {"kind": kind, "message": message})


def older(version: str, than: str) -> bool:
    """Whether a runner's version comes before another."""
    return _parts(version) < _parts(than)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _allowed(world: World, asked: Asked, what: str) -> str:
    """Whose registration or remove token this is, "" for none that is good."""
    kind, holder, expires = world.tokens.get(asked.body.get("token", ""), ("", "", world.now()))
    return holder if kind == what and expires > world.now() else ""


def _register(world: World, asked: Asked, _: str) -> Reply:
    body = asked.body
    holder = "/".join(part for part in urlsplit(body["url"]).path.split("/") if part)
    if not holder or _allowed(world, asked, "registration") != holder:
        return _no(404, "NotFound", "Not Found")
    if older(body["version"], world.settings.registration_version):
        return _no(403, "VersionTooOld", f"Runner version v{body['version']} is too old to register")
    known = world.runner_named(holder, body["name"])
    if known is not None and not body["replace"]:
        return _no(409, "TaskAgentExistsException", f"A runner exists with the same name {body['name']}.")
    if known is not None:
        world.dismiss(known)
    runner = world.enlist(
        holder, body["name"], body["labels"], defaults=body["default_labels"], version=body["version"]
    )
    runner.ephemeral = body["ephemeral"]
    if known is not None:
        # The real service keeps the registration's id when it is replaced.
        world.runners.pop(runner.id)
        runner.id = known.id
        world.runners[runner.id] = runner
    return Reply(201, {"replaced": known is not None, "files": runner_files(runner, asked, body["work_folder"])})


def _remove(world: World, asked: Asked, _: str) -> Reply:
    holder = _allowed(world, asked, "remove")
    if not holder:
        return _no(404, "NotFound", "Not Found")
    runner = world.runners.get(int(asked.body["runner_id"]))
    if runner is None or runner.holder != holder:
        return _no(404, "TaskAgentNotFoundException", "The runner is not registered")
    world.dismiss(runner)
    return EMPTY


def _known(world: World, asked: Asked) -> Runner | None:
    return next((each for each in world.runners.values() if secrets.compare_digest(each.credential, asked.token)), None)


def _deleted() -> Reply:
    return _no(401, "invalid_client", "The runner registration is not known")


def _deprecated(world: World, version: str) -> Reply | None:
    if older(version, world.settings.message_version):
        message = f"Runner version v{version} is deprecated and cannot receive messages."
        return _no(403, "AccessDeniedException", message)
    return None


def _open(world: World, asked: Asked, _: str) -> Reply:
    runner = _known(world, asked)
    if runner is None:
        return _deleted()
    if world.online(runner):
        return _no(409, "TaskAgentSessionConflictException", "Conflict")
    runner.version = asked.body["version"]
    runner.session = Session(secrets.token_hex(16), asked.body["owner"], time.monotonic())
    world.changed.notify_all()
    return Reply(201, {"session_id": runner.session.id})


def _close(world: World, asked: Asked, session_id: str) -> Reply:
    runner = _known(world, asked)
    if runner is not None and runner.session is not None and runner.session.id == session_id:
        runner.session = None
    return EMPTY


def _message(world: World, asked: Asked, session_id: str) -> Reply:
    """Waits for a job for this runner; 204 when none comes in time."""
    until = time.monotonic() + min(float(asked.query.get("wait", "0")), LONGEST_POLL, world.settings.offline_after / 2)
    while True:
        runner = _known(world, asked)
        if runner is None:
            return _deleted()
        if runner.session is None or runner.session.id != session_id:
            return _no(404, "TaskAgentSessionExpiredException", "The session has expired")
        if (refused := _deprecated(world, asked.query["version"])) is not None:
            return refused
        runner.session.seen = time.monotonic()
        if (job := world.take(runner)) is not None:
            run = world.runs[job.run_id]
            told = {"id": job.id, "name": job.name, "script": job.script, "run_id": run.id, "attempt": job.attempt}
            more = {"repository": run.repository, "workflow": run.name, "branch": run.branch, "sha": run.sha}
            return Reply(200, told | more)
        left = until - time.monotonic()
        if left <= 0:
            return EMPTY
        world.changed.wait(left)


def _lease(world: World, asked: Asked, job_id: str) -> Reply:
    runner, job = _known(world, asked), world.jobs.get(int(job_id))
    if runner is None:
        return _deleted()
    if job is None or job.status != IN_PROGRESS or job.runner_id != runner.id:
        return _no(404, "TaskOrchestrationJobNotFoundException", "The job is not this runner's")
    job.renewed = time.monotonic()
    if runner.session is not None:
        runner.session.seen = job.renewed
    return Reply(200, {"cancelled": job.cancelled})


def _complete(world: World, asked: Asked, job_id: str) -> Reply:
    runner, job = _known(world, asked), world.jobs.get(int(job_id))
    if runner is None:
        return _deleted()
    if job is None or job.status == QUEUED or job.runner_id != runner.id:
        return _no(404, "TaskOrchestrationJobNotFoundException", "The job is not this runner's")
    if job.status == IN_PROGRESS:
        job.steps = tuple((step["name"], step["conclusion"]) for step in asked.body.get("steps", ()))
        world.finish(job, asked.body["conclusion"], asked.body.get("log", ""))
    return EMPTY


WAYS: dict[tuple[str, str, str], Callable[[World, Asked, str], Reply]] = {
    ("POST", "registration", ""): _register,
    ("DELETE", "registration", ""): _remove,
    ("POST", "sessions", ""): _open,
    ("DELETE", "sessions", ""): _close,
    ("GET", "sessions", "message"): _message,
    ("POST", "jobs", "lease"): _lease,
    ("POST", "jobs", "completion"): _complete,
}
