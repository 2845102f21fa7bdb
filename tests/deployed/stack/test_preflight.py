"""The preflight on this very machine: real ports, real containers, a real Pulumi that is killed, a user without rights.

Needs Docker; the environment, its names and its state directory are each test's own. Containers are made from an image
of one program of this machine, so that nothing is pulled.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from pointsman import preflight
from pointsman.checks import Check, Outcome, Report
from pointsman.identity import estate_id
from pointsman.paths import checkout
from pointsman.preflight import engine
from pointsman.services import labels
from pointsman.spec.models import Environment, Ports
from pointsman.toolchain import find, pins

TAG = f"pointsman-test/preflight:{uuid.uuid4().hex[:8]}"
PROGRAM = "/bin/sleep"
NOBODY = 65534


@dataclass(frozen=True)
class Trial:
    """An environment that nobody else has, on ports that were free."""

    name: str
    ports: Ports

    def run(self) -> Report:
        return preflight.run(self.name, Environment(ports=self.ports))

    def check(self, name: str) -> Check:
        """One check of a run."""
        return next(each for each in self.run().checks if each.name == name)


def free_ports(count: int) -> list[int]:
    """Ports of the machine that nobody listens on, each another one."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    found = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return found


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """An environment with a state directory of its own, whose file is in a checkout of its own."""
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path / "state"))
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    name = f"preflight-{uuid.uuid4().hex[:8]}"
    real, own = checkout(), tmp_path / "clone"
    (own / "stacks").mkdir(parents=True)
    (own / "stacks" / f"{name}.yaml").touch()
    for shared in ("Pulumi.yaml", "images", "requirements", "toolchain", "components", "stacks/__main__.py"):
        (own / shared).symlink_to(real / shared)
    monkeypatch.setenv("POINTSMAN_ROOT", str(own))
    keys = Ports.model_fields
    return Trial(name, Ports(**dict(zip(keys, free_ports(len(keys)), strict=True))))


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """An image of `sleep` and the libraries that it loads; removed afterwards."""
    libraries = [
        word
        for line in subprocess.check_output(["ldd", PROGRAM], text=True).splitlines()
        for word in line.split()
        if word.startswith("/")
    ]
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in (PROGRAM, *libraries):
            data = Path(path).read_bytes()
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
    client = docker.from_env()
    repository, _, tag = TAG.partition(":")
    client.api.import_image_from_data(archive.getvalue(), repository=repository, tag=tag)
    yield TAG
    client.images.remove(TAG)


@pytest.fixture
def start(image: str) -> Iterator[Callable[[str, int, dict[str, str]], Container]]:
    """Starts a container that publishes a port; removed afterwards."""
    client, made = docker.from_env(), []

    def start(name: str, port: int, carried: dict[str, str]) -> Container:
        container = client.containers.run(
            image,
            [PROGRAM, "60"],
            name=name,
            labels=carried,
            ports={"9999/tcp": ("127.0.0.1", port)},
            init=False,
            detach=True,
        )
        made.append(container)
        return container

    yield start
    for container in made:
        container.remove(force=True)


@pytest.fixture
def web_server() -> Iterator[subprocess.Popen[bytes]]:
    """Python's own web server on a port that it chose; `.args[-1]` is the port."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)))
        yield process
    finally:
        process.terminate()
        process.wait(10)


def wait_until(true: Callable[[], object], seconds: float = 30) -> None:
    """Fails when something does not come true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_a_new_environment_on_this_machine(trial: Trial) -> None:
    """Every check is there in its place, none fails, and all takes under two seconds (the best of three runs)."""
    seconds = []
    for _ in range(3):
        began = time.monotonic()
        report = trial.run()
        seconds.append(time.monotonic() - began)
    found = [check.name for check in report.checks]
    ports = [name for name in found if name.startswith("port ")]
    # An environment without runner hosts has nothing to ask GitHub; a run monitor is there where it is asked for.
    wanted = {port for name, port in trial.ports if not name.startswith(("github", "monitor"))}
    assert {int(name.split()[1]) for name in ports} == wanted
    assert found == [
        "docker",
        *ports,
        "names",
        "config files",
        "secrets",
        "container network",
        "registry",
        "builds",
        "images",
        "disk",
        "memory",
        "inotify",
        "clock",
        "cgroup",
        "state lock",
        "passphrase",
    ]
    assert not report.failures, report.failures
    assert min(seconds) < 2
    assert all(check.seconds < 2 for check in report.checks)


def test_a_port_held_by_a_process(trial: Trial, web_server: subprocess.Popen[bytes]) -> None:
    """The process that listens is named by its pid, with the key that moves the port."""
    port = int(str(list(web_server.args)[-1]))  # type: ignore[arg-type]
    held = Trial(trial.name, trial.ports.model_copy(update={"prometheus": port}))
    found = held.check(f"port {port} (prometheus)")
    assert found.outcome is Outcome.FAIL
    assert f"(pid {web_server.pid}, " in found.seen
    assert found.remedy.startswith(f"set ports.prometheus in stacks/{trial.name}.yaml to a free port")


def test_a_foreign_container(trial: Trial, start: Callable[[str, int, dict[str, str]], Container]) -> None:
    """A container of another estate that has our name and our port is named by both checks."""
    name = f"pointsman-{trial.name}-loki"
    theirs = {labels.ESTATE: "theirs", labels.ENVIRONMENT: trial.name, labels.SERVICE: "loki"}
    start(name, trial.ports.loki, theirs)
    report = trial.run()
    assert [check.name for check in report.failures] == [f"port {trial.ports.loki} (loki)", "names"]
    for check in report.failures:
        assert f"container {name}" in check.seen
        assert f"belongs to environment {trial.name} of another estate, theirs" in check.seen


def test_our_own_container(trial: Trial, start: Callable[[str, int, dict[str, str]], Container]) -> None:
    """What a second `up` meets is no fault; the same container on another service's port is one."""
    ours = {labels.ESTATE: estate_id(), labels.ENVIRONMENT: trial.name, labels.SERVICE: "loki"}
    start(f"pointsman-{trial.name}-loki", trial.ports.loki, ours)
    report = trial.run()
    assert not report.failures, report.failures
    swapped = trial.ports.model_copy(update={"loki": trial.ports.prometheus, "prometheus": trial.ports.loki})
    found = Trial(trial.name, swapped).check(f"port {trial.ports.loki} (prometheus)")
    assert found.outcome is Outcome.FAIL
    assert "would let go of it only during the same run" in found.seen


def test_a_user_without_rights(
    trial: Trial, web_server: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One who may not use Docker learns so; the holder of a port that he may not see is said to be hidden."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    port = int(str(list(web_server.args)[-1]))  # type: ignore[arg-type]
    held = Trial(trial.name, trial.ports.model_copy(update={"prometheus": port}))
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("USER", "nobody")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    # The other user may not read a checkout below root's home: what is imported or read late is so now.
    read = pins.load()
    monkeypatch.setattr(pins, "load", lambda: read)
    held.run()
    found = as_nobody(lambda: [(each.name, each.outcome, each.seen, each.remedy) for each in held.run().checks])
    checks = {name: (outcome, seen, remedy) for name, outcome, seen, remedy in found}
    assert "error" not in checks, checks
    outcome, seen, remedy = checks["docker"]
    assert (outcome, "has no right to use it" in seen) == ("fail", True)
    assert "usermod -aG docker nobody" in remedy
    outcome, seen, remedy = checks[f"port {port} (prometheus)"]
    assert (outcome, seen) == ("fail", "held by a process of another user, which only root may see")
    assert f"sudo ss -ltnp 'sport = :{port}'" in remedy
    assert checks["disk"][0] == "fail"
    assert checks["images"][0] == "not verifiable here"


def as_nobody(work: Callable[[], list[tuple[str, ...]]]) -> list[list[str]]:
    """What `work` returns in a child process of the user nobody."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            answer = json.dumps(work())
        except BaseException as error:
            answer = json.dumps([["error", repr(error), "", ""]])
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        found: list[list[str]] = json.loads(stream.read())
    os.waitpid(child, 0)
    return found


def test_an_engine_that_hangs(trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that takes connections and never answers costs the deadline; nothing is said of what was not seen."""
    monkeypatch.setattr(engine, "DEADLINE", 1.0)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/s")
        began = time.monotonic()
        checks = {check.name: check for check in trial.run().checks}
        assert time.monotonic() - began < 3
    assert checks["docker"].outcome is Outcome.FAIL
    assert "takes connections but does not answer" in checks["docker"].seen
    assert checks["names"].outcome is Outcome.NOT_VERIFIABLE
    assert checks["images"].outcome is Outcome.NOT_VERIFIABLE


def test_a_clock_that_was_set_back(trial: Trial, tmp_path: Path) -> None:
    """A file of the state that is of tomorrow is named with both dates."""
    file = tmp_path / "state" / "environments" / trial.name / "summary.json"
    file.parent.mkdir(parents=True)
    file.touch()
    assert trial.check("clock").outcome is Outcome.PASS
    os.utime(file, (time.time() + 86400,) * 2)
    found = trial.check("clock")
    assert found.outcome is Outcome.FAIL
    assert f"the clock is behind: it is {datetime.now(UTC):%Y-%m-%d}" in found.seen
    assert str(file) in found.seen


def test_a_network_that_somebody_made_otherwise(trial: Trial) -> None:
    """One without a way out is told with its cure; a bridge passes, with the addresses that it has."""
    client, name = docker.from_env(), f"pointsman-{trial.name}"
    carried = {labels.ESTATE: estate_id(), labels.ENVIRONMENT: trial.name}
    for internal in (True, False):
        network = client.networks.create(name, internal=internal, labels=carried)
        try:
            found = trial.check("container network")
        finally:
            network.remove()
        assert found.outcome is (Outcome.FAIL if internal else Outcome.PASS), found
        assert ("is internal" in found.seen) is internal


def test_a_registry_that_is_silent(trial: Trial) -> None:
    """It costs its two seconds and no more; asked for it alone it is a fault, else packages stand in."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for source, outcome in (("registry", Outcome.FAIL), ("auto", Outcome.PASS)):
            images = {"source": source, "registry": f"127.0.0.1:{silent.getsockname()[1]}"}
            spec = Environment.model_validate({"images": images, "ports": trial.ports})
            began = time.monotonic()
            report = preflight.run(trial.name, spec)
            assert time.monotonic() - began < 5
            found = next(each for each in report.checks if each.name == "registry")
            assert (found.outcome, "no answer within 2 s" in found.seen) == (outcome, True), found


def test_a_killed_pulumi(trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of a running `pulumi up` stays; after a kill -9 it is released, and the next run works."""
    project, state = tmp_path / "project", tmp_path / "state" / "pulumi"
    project.mkdir()
    state.mkdir(parents=True)
    (project / "Pulumi.yaml").write_text("name: pointsman\nruntime: python\n")
    program = project / "__main__.py"
    program.write_text("import time\ntime.sleep(60)\n")
    for name, value in {**pulumi(), "PULUMI_BACKEND_URL": f"file://{state}"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of this test")
    stack = ["--stack", trial.name, "--non-interactive", "-C", str(project)]
    subprocess.run(["pulumi", "stack", "init", trial.name, *stack[2:]], check=True, capture_output=True)
    up = ["pulumi", "up", "--yes", "--skip-preview", *stack]
    running = subprocess.Popen(up, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: trial.check("state lock").outcome is Outcome.FAIL)
        found = trial.check("state lock")
        assert f"locked by pid {running.pid} of" in found.seen
        assert found.remedy.startswith("wait until it is done")
        assert preflight.release_dead_locks(trial.name) == []
    finally:
        running.kill()
        running.wait(10)
    program.write_text("")
    assert "a process that is no more" in trial.check("state lock").seen
    assert "currently locked" in subprocess.run(up, capture_output=True, text=True, check=False).stderr
    assert len(preflight.release_dead_locks(trial.name)) == 1
    subprocess.run(up, check=True, capture_output=True)
    assert trial.check("state lock").outcome is Outcome.PASS


def pulumi() -> dict[str, str]:
    """The variables with which `pulumi` runs here: those of the toolchain, or as they are when it is on PATH."""
    toolchain = find()
    if toolchain:
        return toolchain.environment()
    assert shutil.which("pulumi"), "no Pulumi on this machine: run `pointsman toolchain ensure`"
    return {"PULUMI_PYTHON_CMD": sys.executable, "PULUMI_SKIP_UPDATE_CHECK": "true"}
