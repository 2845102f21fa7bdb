"""The operations that are there twice: runners, their labels and tokens, and secrets, of repository or organisation."""

from __future__ import annotations

import base64
import json
import secrets as randomness
from collections.abc import Callable
from datetime import timedelta

from . import shapes
from .messages import EMPTY, NOT_FOUND, Asked, Reply, refusal
from .world import DEFAULT_GROUP, Runner, Secret, World

Handler = Callable[[World, Asked], Reply]
HANDLERS: dict[str, Handler] = {}
DEFAULT_GROUP_NAME = "Default"
RUNNER_PACKAGE = "actions-runner-linux-x64"


def operation(name: str) -> Callable[[Handler], Handler]:
    """Registers a handler; a name with `{}` stands for both levels."""

    def registered(handler: Handler) -> Handler:
        for each in {name.format("repo"), name.format("org")}:
            HANDLERS[each] = handler
        return handler

    return registered


def _runner(world: World, asked: Asked) -> Runner | None:
    runner = world.runners.get(int(asked.params["runner_id"]))
    return runner if runner is not None and runner.holder == asked.holder else None


@operation("actions/list-self-hosted-runners-for-{}")
def _list_runners(world: World, asked: Asked) -> Reply:
    name = asked.query.get("name", "").lower()
    found = [runner for runner in world.of(asked.holder) if not name or runner.name.lower() == name]
    page, links = asked.page_of(found)
    return Reply(200, {"total_count": len(found), "runners": [shapes.runner(each, world) for each in page]}, links)


@operation("actions/get-self-hosted-runner-for-{}")
def _get_runner(world: World, asked: Asked) -> Reply:
    runner = _runner(world, asked)
    return NOT_FOUND if runner is None else Reply(200, shapes.runner(runner, world))


@operation("actions/delete-self-hosted-runner-from-{}")
def _delete_runner(world: World, asked: Asked) -> Reply:
    runner = _runner(world, asked)
    if runner is None:
        return NOT_FOUND
    if runner.job_id is not None and world.online(runner):
        return refusal(422, f'Bad request - Runner "{runner.name}" is still running a job"')
    world.dismiss(runner)
    return EMPTY


@operation("actions/list-self-hosted-runner-groups-for-org")
def _list_groups(world: World, asked: Asked) -> Reply:
    group = {
        "id": DEFAULT_GROUP,
        "name": DEFAULT_GROUP_NAME,
        "visibility": "all",
        "default": True,
        "runners_url": f"{asked.base}/orgs/{asked.holder}/actions/runner-groups/{DEFAULT_GROUP}/runners",
        "inherited": False,
        "allows_public_repositories": False,
    }
    return Reply(200, {"total_count": 1, "runner_groups": [group]})


@operation("actions/list-runner-applications-for-{}")
def _list_applications(world: World, asked: Asked) -> Reply:
    version = world.settings.message_version
    name = f"{RUNNER_PACKAGE}-{version}.tar.gz"
    address = f"https://github.com/actions/runner/releases/download/v{version}/{name}"
    return Reply(200, [{"os": "linux", "architecture": "x64", "download_url": address, "filename": name}])


def _token(world: World, asked: Asked, what: str) -> Reply:
    # A registration token has 29 capital letters and digits, and begins with A.
    token = "A" + "".join(randomness.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(28))
    expires = world.now() + timedelta(seconds=world.settings.token_lifetime)
    world.tokens[token] = (what, asked.holder, expires)
    return Reply(201, {"token": token, "expires_at": expires.isoformat(timespec="milliseconds")})


@operation("actions/create-registration-token-for-{}")
def _registration_token(world: World, asked: Asked) -> Reply:
    return _token(world, asked, "registration")


@operation("actions/create-remove-token-for-{}")
def _remove_token(world: World, asked: Asked) -> Reply:
    return _token(world, asked, "remove")


@operation("actions/generate-runner-jitconfig-for-{}")
def _jit(world: World, asked: Asked) -> Reply:
    body = asked.body
    if world.runner_named(asked.holder, body["name"]) is not None:
        return refusal(409, f"Already exists - A runner with the name {body['name']} already exists.")
    if body["runner_group_id"] != DEFAULT_GROUP:
        return NOT_FOUND
    runner = world.enlist(asked.holder, body["name"], body["labels"], defaults=False)
    runner.ephemeral = True
    files = runner_files(runner, asked, body.get("work_folder", "_work"))
    packed = {name: base64.b64encode(json.dumps(content).encode()).decode() for name, content in files.items()}
    encoded = base64.b64encode(json.dumps(packed).encode()).decode()
    return Reply(201, {"runner": shapes.runner(runner, world), "encoded_jit_config": encoded})


def runner_files(runner: Runner, asked: Asked, work_folder: str) -> dict[str, dict[str, object]]:
    """What a registered runner keeps in its folder, by file name."""
    settings = {
        "agentId": runner.id,
        "agentName": runner.name,
        "poolId": DEFAULT_GROUP,
        "poolName": DEFAULT_GROUP_NAME,
        "ephemeral": runner.ephemeral,
        "serverUrl": asked.base,
        "gitHubUrl": f"{asked.base}/{runner.holder}",
        "workFolder": work_folder,
    }
    data = {"clientId": str(runner.id), "authorizationUrl": f"{asked.base}/_runner/token"}
    return {
        ".runner": settings,
        ".credentials": {"scheme": "OAuth", "data": data},
        ".credentials_rsaparams": {"d": runner.credential},
    }


@operation("actions/list-labels-for-self-hosted-runner-for-{}")
def _list_labels(world: World, asked: Asked) -> Reply:
    runner = _runner(world, asked)
    return NOT_FOUND if runner is None else Reply(200, shapes.labels(runner))


@operation("actions/add-custom-labels-to-self-hosted-runner-for-{}")
def _add_labels(world: World, asked: Asked) -> Reply:
    runner = _runner(world, asked)
    if runner is None:
        return NOT_FOUND
    for name in dict.fromkeys(asked.body["labels"]):
        if name.lower() not in runner.label_names:
            runner.labels.append(world.label(name, "custom"))
    world.changed.notify_all()
    return Reply(200, shapes.labels(runner))


@operation("actions/set-custom-labels-for-self-hosted-runner-for-{}")
def _set_labels(world: World, asked: Asked) -> Reply:
    runner = _runner(world, asked)
    if runner is None:
        return NOT_FOUND
    runner.labels = [label for label in runner.labels if label.kind == "read-only"]
    return _add_labels(world, asked)


@operation("actions/remove-custom-label-from-self-hosted-runner-for-{}")
def _remove_label(world: World, asked: Asked) -> Reply:
    runner = _runner(world, asked)
    name = asked.params["name"].lower()
    label = next((each for each in runner.labels if each.name.lower() == name), None) if runner else None
    if runner is None or label is None:
        return NOT_FOUND
    if label.kind == "read-only":
        return refusal(422, f"Label {label.name} is read-only and cannot be removed")
    runner.labels.remove(label)
    return Reply(200, shapes.labels(runner))


@operation("actions/list-{}-secrets")
def _list_secrets(world: World, asked: Asked) -> Reply:
    found = sorted(world.secrets.get(asked.holder, {}).values(), key=lambda secret: secret.name)
    page, links = asked.page_of(found)
    return Reply(200, {"total_count": len(found), "secrets": [_secret(asked, each) for each in page]}, links)


@operation("actions/get-{}-public-key")
def _public_key(world: World, asked: Asked) -> Reply:
    return Reply(200, {"key_id": world.key_id, "key": world.public_key})


@operation("actions/get-{}-secret")
def _get_secret(world: World, asked: Asked) -> Reply:
    found = world.secrets.get(asked.holder, {}).get(asked.params["secret_name"].upper())
    return NOT_FOUND if found is None else Reply(200, _secret(asked, found))


@operation("actions/create-or-update-{}-secret")
def _put_secret(world: World, asked: Asked) -> Reply:
    if asked.body.get("key_id") != world.key_id:
        return refusal(422, "key_id is not that of the current public key")
    if not base64.b64decode(asked.body.get("encrypted_value", "")):
        return refusal(422, "encrypted_value is empty")
    kept, name, now = world.secrets.setdefault(asked.holder, {}), asked.params["secret_name"].upper(), world.now()
    created = kept[name].created if name in kept else now
    is_new = name not in kept
    kept[name] = Secret(name, created, now, asked.body["encrypted_value"], world.key_id)
    return Reply(201, {}) if is_new else EMPTY


@operation("actions/delete-{}-secret")
def _delete_secret(world: World, asked: Asked) -> Reply:
    gone = world.secrets.get(asked.holder, {}).pop(asked.params["secret_name"].upper(), None)
    return NOT_FOUND if gone is None else EMPTY


def _secret(asked: Asked, secret: Secret) -> dict[str, object]:
    more = {"visibility": "private"} if "org" in asked.params else {}
    return shapes.secret(secret) | more
