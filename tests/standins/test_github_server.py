"""The stand-in for GitHub holds itself and its clients to the published description, and keeps GitHub's rules."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.standins.github_server import operations
from tests.standins.github_server.contract import Contract
from tests.standins.github_server.messages import Asked, Reply
from tests.standins.github_server.serving import SLICE, Standin
from tests.standins.github_server.wire import older
from tests.standins.github_server.world import Session, Workflow

TOKEN = "ghp_" + "notARealToken0" * 3
RUNNERS = "/repos/acme/app/actions/runners"
LIST_RUNNERS = "actions/list-self-hosted-runners-for-repo"
MOST_BYTES = 350_000
CONTRACT = Contract(SLICE)


@pytest.fixture
def standin() -> Iterator[Standin]:
    """A GitHub with acme/app and acme."""
    with Standin(tokens=[TOKEN]) as running:
        yield running


@pytest.fixture
def api(standin: Standin) -> Iterator[httpx.Client]:
    """A client as the description has them: token, version, and the path of an own server."""
    headers = {"Authorization": f"Bearer {TOKEN}", "X-GitHub-Api-Version": CONTRACT.version}
    with httpx.Client(base_url=f"{standin.url}/api/v3", headers=headers, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
def control(standin: Standin) -> Iterator[httpx.Client]:
    """A client for `/_control`."""
    with httpx.Client(base_url=f"{standin.url}/_control", trust_env=False, verify=False) as client:
        yield client


def test_every_operation_of_the_slice_is_there() -> None:
    """Nothing is described that is not answered, and nothing answered that is not described."""
    described = {operation.id for operation in CONTRACT.operations}
    assert described == operations.HANDLERS.keys() | {"rate-limit/get"}


def test_the_slice_is_small_and_says_where_it_is_from() -> None:
    """Package, version and checksum of what it was cut from; a line for each path and component."""
    slice_ = json.loads(SLICE.read_text())
    assert slice_["x-cut-from"]["package"].startswith("@octokit/openapi@")
    assert len(slice_["x-cut-from"]["sha256"]) == 64
    assert SLICE.stat().st_size < MOST_BYTES
    assert len(SLICE.read_text().splitlines()) > len(slice_["paths"]) + len(slice_["components"]["schemas"])


@pytest.mark.parametrize(
    ("method", "path", "more", "said"),
    [
        ("GET", RUNNERS, {"params": {"per-page": 3}}, "query parameter per-page is not known"),
        ("GET", RUNNERS, {"params": {"page": "two"}}, "'two' is not of type 'integer'"),
        ("GET", f"{RUNNERS}/one", {}, "path parameter runner_id"),
        ("POST", f"{RUNNERS}/generate-jitconfig", {"json": {"name": "x"}}, "'runner_group_id' is a required property"),
        ("POST", f"{RUNNERS}/generate-jitconfig", {}, "no body where one is required"),
        (
            "POST",
            f"{RUNNERS}/generate-jitconfig",
            {"json": {"name": "x", "runner_group_id": 1, "labels": [], "replace": True}},
            "'replace' is no property that the description names",
        ),
        ("POST", f"{RUNNERS}/registration-token", {"json": {"name": "x"}}, "a body where none is known"),
        ("PUT", "/repos/acme/app/actions/secrets/A", {"json": {"encrypted_value": "not base64!"}}, "does not match"),
    ],
)
def test_a_wrong_request_is_a_violation(
    method: str, path: str, more: dict[str, Any], said: str, api: httpx.Client, standin: Standin, control: httpx.Client
) -> None:
    """500 with the reason, kept under `/_control/violations` until it is forgotten."""
    answer = api.request(method, path, **more)
    assert answer.status_code == 500
    assert said in answer.json()["message"]
    (violation,) = control.get("/violations").json()
    assert said in " ".join(violation["faults"])
    control.delete("/violations")
    assert control.get("/violations").json() == []


def test_a_request_that_the_slice_does_not_have(api: httpx.Client, standin: Standin) -> None:
    """404 as GitHub would, and a violation: the slice must grow first."""
    assert api.get("/repos/acme/app/branches").status_code == 404
    assert "the slice has no GET /repos/acme/app/branches" in str(standin.app.violations)


def test_a_client_without_the_version_header(api: httpx.Client, standin: Standin) -> None:
    """The header is asked of each client of ours."""
    del api.headers["X-GitHub-Api-Version"]
    assert "no X-GitHub-Api-Version header" in api.get(RUNNERS).json()["message"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"runners": []}, "'total_count' is a required property"),
        ({"total_count": 0, "runners": [], "more": 1}, "'more' is no property"),
        ({"total_count": "0", "runners": []}, "is not of type 'integer'"),
        ({"total_count": 1, "runners": [{"id": 1}]}, "'name' is a required property"),
        (None, "is not of type 'object'"),
    ],
)
def test_a_wrong_answer_is_a_violation(
    answer: Any, said: str, api: httpx.Client, standin: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in can't make up what GitHub does not tell."""
    monkeypatch.setitem(operations.HANDLERS, LIST_RUNNERS, lambda world, asked: Reply(200, answer))
    assert said in api.get(RUNNERS).json()["message"]
    assert standin.app.violations[0]["operation"] == LIST_RUNNERS


def test_null_and_statuses() -> None:
    """Null passes where OpenAPI 3.0 says `nullable`; an error may have any status, a success a published one only."""
    found = CONTRACT.match("GET", "/repos/acme/app/actions/runners/1")
    assert found is not None
    operation, params = found
    assert params == {"owner": "acme", "repo": "app", "runner_id": "1"}
    runner = {"id": 1, "name": "x", "os": "linux", "status": "online", "busy": False, "labels": [], "version": None}
    assert CONTRACT.answer_faults(operation, 200, runner) == []
    assert CONTRACT.answer_faults(operation, 200, runner | {"name": None}) != []
    assert CONTRACT.answer_faults(operation, 418, {"message": "no"}) == []
    assert CONTRACT.answer_faults(operation, 201, runner) != []


def test_links_to_other_pages() -> None:
    """As GitHub writes them, with the other parameters kept."""
    asked = Asked("GET", RUNNERS, {"per_page": "2", "page": "2", "name": "x"}, base="http://github")
    page, headers = asked.page_of([1, 2, 3, 4, 5])
    assert page == [3, 4]
    links = {part.split("; ")[1]: part.split("; ")[0] for part in headers["Link"].split(", ")}
    assert links['rel="next"'] == f"<http://github{RUNNERS}?per_page=2&page=3&name=x>"
    assert links.keys() == {'rel="prev"', 'rel="next"', 'rel="first"', 'rel="last"'}
    assert Asked("GET", RUNNERS).page_of([1])[1] == {}


def test_rights_of_tokens(api: httpx.Client, control: httpx.Client) -> None:
    """No token, a wrong one, an expired one, one that may only read, one for another repository."""
    cases: list[tuple[str, dict[str, Any], str, int]] = [
        ("a", {"rights": {"administration": "read"}}, RUNNERS, 200),
        ("a", {"rights": {"actions": "write"}}, RUNNERS, 403),
        ("a", {"holders": ["acme"]}, RUNNERS, 404),
        ("a", {"expires_in": -1}, RUNNERS, 401),
        ("a", {}, "/repos/acme/none/actions/runners", 404),
    ]
    for token, wanted, path, status in cases:
        control.post("/tokens", json={"token": token, **wanted})
        assert api.get(path, headers={"Authorization": f"token {token}"}).status_code == status
    assert api.get(RUNNERS, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert api.get(RUNNERS, headers={"Authorization": ""}).json()["message"] == "Requires authentication"


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "status", "status": 401}, 401),
        ({"kind": "status", "status": 503, "html": True}, 503),
        ({"kind": "limit", "status": 429, "reset_in": 5}, 429),
        ({"kind": "status", "operation": "actions/list-repo-secrets"}, 200),
        ({"kind": "status", "path": "/orgs"}, 200),
        ({"kind": "status", "method": "DELETE"}, 200),
    ],
)
def test_faults_on_demand(fault: dict[str, Any], status: int, api: httpx.Client, control: httpx.Client) -> None:
    """Each strikes what it is for, as often as it was set, and is gone when it is taken away."""
    control.post("/faults", json={**fault, "times": 2})
    assert [api.get(RUNNERS).status_code for _ in range(3)] == [status, status, 200]
    control.post("/faults", json=fault)
    control.delete("/faults")
    assert api.get(RUNNERS).status_code == 200


def test_a_stand_in_that_is_down(api: httpx.Client, control: httpx.Client) -> None:
    """The connection ends without an answer; the controls still answer."""
    control.post("/faults", json={"kind": "down"})
    with pytest.raises(httpx.RemoteProtocolError):
        api.get(RUNNERS)
    assert control.get("/faults").json()[0]["struck"] == 1


def test_mistakes_in_controls_are_told(control: httpx.Client) -> None:
    """An unknown fault, setting, runner, repository or path."""
    for method, path, body in [
        ("POST", "/faults", {"kind": "fire"}),
        ("POST", "/faults", {"what": "fire"}),
        ("POST", "/settings", {"speed": 1}),
        ("PATCH", "/runners/none", {"deaf": True}),
        ("POST", "/jobs", {"repository": "acme/none", "labels": []}),
    ]:
        assert control.request(method, path, json=body).status_code == 400
    assert control.get("/nothing").status_code == 404


def test_a_job_goes_to_a_runner_that_has_its_labels(standin: Standin) -> None:
    """The oldest first; labels in any case; not to the deaf, the busy, or another repository's."""
    world = standin.app.world
    world.start("acme/app", Workflow("w", "w", (("a", ("x", "Y"), ""), ("b", ("x",), ""))), "push")
    for holder, labels, deaf in [("acme/app", ["x"], True), ("other", ["x", "y"], False)]:
        runner = world.enlist(holder, "r", labels)
        runner.deaf = deaf
        assert world.take(runner) is None
    both = world.enlist("acme", "both", ["X", "y", "z"])
    taken = world.take(both)
    assert taken is not None
    assert taken.name == "a"
    assert world.take(both) is None
    world.finish(taken, "success")
    second = world.take(both)
    assert second is not None
    assert second.name == "b"


def test_a_job_whose_runner_is_lost_fails(standin: Standin) -> None:
    """When its lease runs out, or its runner is removed; an ephemeral runner leaves with its job."""
    world = standin.app.world
    for ending in ("lease", "removal", "end"):
        run = world.start("acme/app", Workflow("w", "w", (("a", (ending,), ""),)), "push")
        runner = world.enlist("acme/app", ending, [ending])
        runner.ephemeral = ending == "end"
        job = world.take(runner)
        assert job is not None
        if ending == "lease":
            job.renewed -= world.settings.lease + 1
            world.lapse()
        elif ending == "removal":
            world.dismiss(runner)
        else:
            world.finish(job, "success")
            assert runner.id not in world.runners
        assert world.run_status(run) == ("completed", "success" if ending == "end" else "failure")


def test_what_a_runner_shows(standin: Standin, control: httpx.Client, api: httpx.Client) -> None:
    """Online while it shows life; a test may make the API say otherwise, as GitHub has been seen to."""
    ids = control.post("/runners", json={"holder": "acme/app", "name": "r", "labels": ["x"], "count": 2}).json()["ids"]
    standin.app.world.runners[ids[0]].session = Session("s", "host", time.monotonic())
    shown = api.get(RUNNERS).json()["runners"]
    assert [(runner["name"], runner["status"], runner["version"]) for runner in shown] == [
        ("r-0", "online", "2.336.0"),
        ("r-1", "offline", "2.336.0"),
    ]
    control.patch("/runners/r-0", json={"shown": "offline", "busy_shown": True})
    first = api.get(RUNNERS).json()["runners"][0]
    assert (first["status"], first["busy"]) == ("offline", True)
    control.post("/settings", json={"offline_after": 0})
    assert control.get("/state").json()["runners"][0]["status"] == "offline"
    assert "credential" not in control.get("/state").text


def test_ages(control: httpx.Client, api: httpx.Client) -> None:
    """Jobs and secrets look as old as a test wants."""
    queued = control.post("/jobs", json={"repository": "acme/app", "labels": ["x"], "age": 3600}).json()
    job = api.get(f"/repos/acme/app/actions/jobs/{queued['job_id']}").json()
    assert job["created_at"] < api.get(f"/repos/acme/app/actions/runs/{queued['run_id']}").json()["created_at"]
    key = api.get("/repos/acme/app/actions/secrets/public-key").json()
    api.put("/repos/acme/app/actions/secrets/A", json={"encrypted_value": "c2VhbGVk", "key_id": key["key_id"]})
    control.patch("/secrets/A", json={"holder": "acme/app", "age": 86400})
    assert control.get("/secrets").json() == {"acme/app": {"A": "c2VhbGVk"}}


def test_packages(tmp_path: Path) -> None:
    """Runner programs are served as they are, without a token, and nothing from beside their folder."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "runner.tar.gz").write_bytes(b"\x1f\x8b")
    (tmp_path / "secret").write_text("x")
    with Standin(packages=tmp_path / "packages") as running:
        found = httpx.get(f"{running.url}/_packages/runner.tar.gz", trust_env=False, verify=False)
        assert (found.status_code, found.content) == (200, b"\x1f\x8b")
        for name in ("..%2fsecret", "../secret", "", "other.tar.gz"):
            answer = httpx.get(f"{running.url}/_packages/{name}", trust_env=False, verify=False)
            assert answer.status_code == 404


def test_a_restart_keeps_registrations(tmp_path: Path) -> None:
    """Runners, jobs, secrets and issues are there again, and no id is given twice."""
    with Standin(public_key="first") as running:
        control = f"{running.url}/_control"
        post = {"holder": "acme/app", "name": "one", "labels": ["x"]}
        httpx.post(f"{control}/runners", json=post, trust_env=False, verify=False).raise_for_status()
        running.app.world.keep(tmp_path / "state")
        before = running.app.world.runners
    with Standin(public_key="second") as running:
        world = running.app.world
        world.recall(tmp_path / "nothing")
        assert world.runners == {}
        world.recall(tmp_path / "state")
        assert [each.name for each in world.runners.values()] == ["one"]
        assert world.public_key == "first"
        assert world.new_id() > max(before)


def test_a_secret_that_must_be_there_keeps_its_age() -> None:
    """Every holder has it from then on; asking once more changes nothing."""
    with Standin() as running:
        world = running.app.world
        world.have_secret("deploy_token")
        first = {holder: held["DEPLOY_TOKEN"].updated for holder, held in world.secrets.items()}
        assert first.keys() == world.holders
        world.have_secret("DEPLOY_TOKEN")
        assert {holder: held["DEPLOY_TOKEN"].updated for holder, held in world.secrets.items()} == first


def test_versions() -> None:
    """Compared by number, not by letter."""
    assert older("2.329.0", "2.336.0")
    assert older("2.99.0", "2.329.0")
    assert not older("2.336.0", "2.336.0")


def test_it_starts_alone(tmp_path: Path) -> None:
    """Copied anywhere with its slice, with a free port, a token file, and nothing but jsonschema."""
    folder = Path(__file__).parent
    for name in ("github_server", "openapi"):
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / "token").write_text(TOKEN)
    words = [sys.executable, "-m", "github_server", "--port", "0", "--repository", "acme/app", "--token-file", "token"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        assert httpx.get(f"{address}/_health", trust_env=False, verify=False).json() == {"status": "good"}
        process.terminate()
    assert process.returncode == 0
