"""`/_control`: how a test looks into the stand-in and turns it. README.md has the table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .access import Grant
from .messages import EMPTY, Asked, Reply
from .world import Runner, Workflow

if TYPE_CHECKING:
    from .app import App

BY_HAND = ".github/workflows/by-hand.yml"
HIDDEN = ("credential",)


def handle(app: App, asked: Asked) -> Reply:
    """Answers one request of a test; a mistake in it is a 400 that says which."""
    found = re.fullmatch(r"/_control/(\w+)(?:/([^/]+))?", asked.path)
    handler = WAYS.get((asked.method, found[1])) if found else None
    if found is None or handler is None:
        return Reply(404, {"message": f"no control is called {asked.method} {asked.path}"})
    try:
        return handler(app, asked.body or {}, found[2] or "")
    except (KeyError, TypeError, ValueError) as error:
        return Reply(400, {"message": f"{type(error).__name__}: {error}"})


def _state(app: App, body: Any, name: str) -> Reply:
    world = app.world
    runners = [_told(runner) | {"status": world.status(runner)} for runner in world.runners.values()]
    return Reply(200, {"runners": runners, "jobs": [_told(job) for job in world.jobs.values()]})


def _told(thing: Any) -> dict[str, Any]:
    plain = asdict(thing)
    return {key: value if _json(value) else str(value) for key, value in plain.items() if key not in HIDDEN}


def _json(value: Any) -> bool:
    return isinstance(value, str | int | float | bool | list | tuple | dict | None)


def _violations(app: App, body: Any, name: str) -> Reply:
    return Reply(200, app.violations)


def _forget_violations(app: App, body: Any, name: str) -> Reply:
    app.violations.clear()
    return EMPTY


def _requests(app: App, body: Any, name: str) -> Reply:
    return Reply(200, list(app.requests))


def _queue(app: App, body: Any, name: str) -> Reply:
    """Queues a run of one job, or `count` of them: `repository`, `labels`, `script`, `name`."""
    world = app.world
    if body["repository"] not in world.holders:
        raise ValueError(f"no repository is called {body['repository']}")
    labels, script = tuple(body["labels"]), body.get("script", "true")
    runs = []
    for _ in range(int(body.get("count", 1))):
        workflow = Workflow(BY_HAND, body.get("workflow", "by hand"), ((body.get("name", "job"), labels, script),))
        run = world.start(body["repository"], workflow, "workflow_dispatch")
        for job in world.jobs_of(run):
            job.created -= timedelta(seconds=float(body.get("age", 0)))
        runs.append({"run_id": run.id, "job_id": world.jobs_of(run)[0].id})
    return Reply(201, runs[0] | {"all": runs})


def _job(app: App, body: Any, name: str) -> Reply:
    return Reply(200, _told(app.world.jobs[int(name)]))


def _workflow(app: App, body: Any, name: str) -> Reply:
    """Makes a workflow that can be dispatched: `repository`, `path`, `name`, `jobs` [{name, labels, script}]."""
    jobs = tuple((job["name"], tuple(job["labels"]), job.get("script", "true")) for job in body["jobs"])
    workflow = Workflow(body["path"], body.get("name", body["path"]), jobs)
    app.world.workflows.setdefault(body["repository"], []).append(workflow)
    return EMPTY


def _enlist(app: App, body: Any, name: str) -> Reply:
    """Registers `count` runners that no program is behind: `holder`, `name`, `labels`, and fields of Runner."""
    made = []
    for number in range(int(body.get("count", 1))):
        each = body["name"] + (f"-{number}" if "count" in body else "")
        runner = app.world.enlist(body["holder"], each, body.get("labels", ()), version=body.get("version", "2.336.0"))
        _turned(runner, body)
        made.append(runner.id)
    return Reply(201, {"ids": made})


def _turn(app: App, body: Any, name: str) -> Reply:
    """Turns the runner called `name`: `shown` (its status in the API), `busy_shown`, `deaf`, `version`."""
    for runner in app.world.runners.values():
        if runner.name == name:
            _turned(runner, body)
            app.world.changed.notify_all()
            return EMPTY
    raise KeyError(name)


def _turned(runner: Runner, body: Any) -> None:
    for key in ("shown", "busy_shown", "deaf", "version", "ephemeral", "os"):
        if key in body:
            setattr(runner, key, body[key])


def _fault(app: App, body: Any, name: str) -> Reply:
    fault = app.faults.add(body)
    return Reply(201, {"kind": fault.kind})


def _faults(app: App, body: Any, name: str) -> Reply:
    return Reply(200, [{"kind": fault.kind, "path": fault.path, "struck": fault.struck} for fault in app.faults.set])


def _no_faults(app: App, body: Any, name: str) -> Reply:
    app.faults.set.clear()
    app.world.changed.notify_all()
    return EMPTY


def _settings(app: App, body: Any, name: str) -> Reply:
    known = {field.name for field in fields(app.world.settings)}
    if unknown := body.keys() - known:
        raise ValueError(f"no setting is called {', '.join(sorted(unknown))}; there is: {', '.join(sorted(known))}")
    for key, value in body.items():
        setattr(app.world.settings, key, value)
    app.world.changed.notify_all()
    return Reply(200, asdict(app.world.settings))


def _token(app: App, body: Any, name: str) -> Reply:
    """Makes a token good: `token`, `rights` {name: read|write}, `holders`, `scopes`, `expires_in` seconds."""
    expires_in = body.get("expires_in")
    app.access.grants[body["token"]] = Grant(
        rights=body.get("rights"),
        holders=frozenset(body["holders"]) if "holders" in body else None,
        scopes=body.get("scopes"),
        expires=None if expires_in is None else app.world.now() + timedelta(seconds=expires_in),
    )
    return EMPTY


def _secrets(app: App, body: Any, name: str) -> Reply:
    kept = app.world.secrets.items()
    return Reply(200, {holder: {each.name: each.sealed for each in named.values()} for holder, named in kept})


def _secret_age(app: App, body: Any, name: str) -> Reply:
    """Makes the secret called `name` of `holder` look `age` seconds old."""
    secret = app.world.secrets[body["holder"]][name]
    secret.created = secret.updated = app.world.now() - timedelta(seconds=float(body["age"]))
    return EMPTY


WAYS: dict[tuple[str, str], Callable[[App, Any, str], Reply]] = {
    ("GET", "state"): _state,
    ("GET", "violations"): _violations,
    ("DELETE", "violations"): _forget_violations,
    ("GET", "requests"): _requests,
    ("POST", "jobs"): _queue,
    ("GET", "jobs"): _job,
    ("POST", "workflows"): _workflow,
    ("POST", "runners"): _enlist,
    ("PATCH", "runners"): _turn,
    ("POST", "faults"): _fault,
    ("GET", "faults"): _faults,
    ("DELETE", "faults"): _no_faults,
    ("POST", "settings"): _settings,
    ("POST", "tokens"): _token,
    ("GET", "secrets"): _secrets,
    ("PATCH", "secrets"): _secret_age,
}
