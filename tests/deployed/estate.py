"""A real estate for tests: a clone of its own, an environment of its own, driven as users drive it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import docker
import httpx
import yaml
from docker.models.containers import Container

from pointsman.declared import Declared, declared
from pointsman.services import labels
from tests.deployed.specs import Spec

CHECKOUT = Path(__file__).resolve().parents[2]
# Two hosts that are made and hardened for the first time take longest.
COMMAND_SECONDS = 600
POLL_SECONDS = 0.2
# The key of a service's main port in the spec, where it is not the service's name.
MAIN_PORTS = {"collector": "otlp_http", "board": "grafana", "run-monitor": "monitor"}
QUIET = ("same", "refresh", "read")
MARKER = "pointsman_test_marker"

T = TypeVar("T")


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    argv: list[str]
    code: int
    out: str
    err: str
    seconds: float

    @property
    def said(self) -> str:
        """All that it printed."""
        return self.out + self.err

    def good(self) -> Done:
        """Itself; fails with all that was printed unless the exit code is 0."""
        assert self.code == 0, f"{' '.join(self.argv)} → {self.code}\n{self.said}"
        return self

    def document(self) -> dict[str, Any]:
        """The JSON document on standard output, which holds nothing else."""
        found: dict[str, Any] = json.loads(self.out)
        return found


class Clone:
    """A copy of the checkout as a git repository, with a state directory of its own or shared with another clone."""

    def __init__(self, root: Path, state: Path) -> None:
        self.root, self.state = root, state
        listed = subprocess.check_output(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=CHECKOUT, text=True
        )
        for name in filter(None, listed.split("\0")):
            # What is deleted but not committed yet is listed too.
            if (CHECKOUT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CHECKOUT / name, root / name)
        (root / ".venv").symlink_to(sys.prefix)
        self._pulumi_variables: dict[str, str] = {}
        self.git("init", "-q")
        self.commit()

    def git(self, *arguments: str) -> str:
        """Runs git in the clone, as nobody in particular."""
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.check_output(["git", *who, *arguments], cwd=self.root, text=True)

    def commit(self) -> None:
        """Commits all that is there."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "state of the test")

    def variables(self) -> dict[str, str]:
        """The variables of a user's shell who works in this clone, with nothing of Pulumi's set beforehand.

        PYTHONPATH makes the library the clone's own, as the editable install of a clone's own `.venv` does.
        """
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PULUMI_", "POINTSMAN_")) or name in ("POINTSMAN_CACHE_DIR", "POINTSMAN_TOOLCHAIN")
        }
        own = {"POINTSMAN_STATE_DIR": str(self.state), "PYTHONPATH": str(self.root / "components"), "COLUMNS": "200"}
        return kept | own

    def pulumi_variables(self) -> dict[str, str]:
        """The same after `eval "$(pointsman env)"`, which is run once."""
        if not self._pulumi_variables:
            printed = self.pointsman("env").good().out
            script = 'eval "$0"; env -0'
            found = subprocess.check_output(["bash", "-c", script, printed], env=self.variables(), text=True)
            self._pulumi_variables = dict(pair.split("=", 1) for pair in found.split("\0") if "=" in pair)
        return self._pulumi_variables

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts the command line in a process group of its own, which a test may kill."""
        return subprocess.Popen(
            [*_POINTSMAN, *arguments],
            cwd=self.root,
            env=self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # A shell's background job ignores Ctrl-C, and so would all that it starts; a user's command does not.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def pointsman(self, *arguments: str) -> Done:
        """Runs the command line to its end."""
        return self._run([*_POINTSMAN, *arguments], self.variables())

    def pulumi(self, *arguments: str) -> Done:
        """Runs plain `pulumi` to its end."""
        variables = self.pulumi_variables()
        program = shutil.which("pulumi", path=variables["PATH"])
        assert program, "`pointsman env` names no folder with pulumi: run `pointsman toolchain ensure`"
        # Debug commands: `up` then has --event-log.
        return self._run([program, *arguments], variables | {"PULUMI_DEBUG_COMMANDS": "true"})

    def _run(self, argv: list[str], variables: dict[str, str]) -> Done:
        began = time.monotonic()
        done = subprocess.run(
            argv, cwd=self.root, env=variables, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
        return Done(argv, done.returncode, done.stdout, done.stderr, time.monotonic() - began)


_CONSOLE = Path(sys.executable).with_name("pointsman")
_POINTSMAN = (
    [str(_CONSOLE)] if _CONSOLE.is_file() else [sys.executable, "-c", "from pointsman.cli.app import main; main()"]
)


@dataclass
class Estate:
    """One environment in a clone. `spec` is what its file says; `edit` changes it, `up` applies it.

    `first` is the document of the `up` that made it.
    """

    clone: Clone
    name: str
    spec: Spec
    engine: docker.DockerClient
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=5, trust_env=False))
    first: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.base = json.loads(json.dumps(self.spec))
        self.write()

    @property
    def file(self) -> Path:
        """The spec's file."""
        return self.clone.root / "stacks" / f"{self.name}.yaml"

    @property
    def lock(self) -> Path:
        """The lock of its images."""
        return self.clone.state / "environments" / self.name / "images.lock.json"

    def write(self) -> None:
        """Writes the spec."""
        self.file.write_text(yaml.safe_dump(self.spec, sort_keys=False))

    def edit(self, section: str, **values: Any) -> None:
        """Changes keys of one section of the spec."""
        self.spec.setdefault(section, {}).update(values)
        self.write()

    def reset(self) -> None:
        """Brings it up with the spec that it began with, whatever has become of it."""
        self.spec = json.loads(json.dumps(self.base))
        self.write()
        self.up()

    def up(self) -> dict[str, Any]:
        """`pointsman up` that must succeed; returns its document."""
        return self.clone.pointsman("up", "--env", self.name, "--output", "json").good().document()

    def pulumi(self, *arguments: str) -> Done:
        """A plain `pulumi` command on this stack."""
        return self.clone.pulumi(*arguments, "--stack", self.name, "--non-interactive")

    def pulumi_up(self, *arguments: str) -> set[tuple[str, str]]:
        """A plain `pulumi up` that must succeed; returns what it did, as (operation, resource name)."""
        log = self.clone.state / "events.json"
        log.unlink(missing_ok=True)
        self.pulumi("up", "--yes", "--skip-preview", "--event-log", str(log), *arguments).good()
        done = [json.loads(line).get("resOutputsEvent", {}).get("metadata") for line in log.read_text().splitlines()]
        return {
            (step["op"], step["urn"].rpartition("::")[2])
            for step in done
            if step and step["op"] not in QUIET and step["type"] != "pulumi:pulumi:Stack"
        }

    def state(self) -> list[dict[str, Any]]:
        """The resources in the state."""
        exported = json.loads(self.pulumi("stack", "export").good().out)
        found: list[dict[str, Any]] = exported["deployment"]["resources"]
        return found

    def inputs(self, resource: str) -> dict[str, Any]:
        """The inputs of one resource in the state."""
        found: dict[str, Any] = next(
            each["inputs"] for each in self.state() if each["urn"].endswith(f"::{resource}") and each["custom"]
        )
        return found

    def declared(self) -> Declared:
        """What it is declared to be."""
        with self.here():
            return declared(self.name)

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """This process works on the estate's clone and state meanwhile."""
        own = {"POINTSMAN_ROOT": str(self.clone.root), "POINTSMAN_STATE_DIR": str(self.clone.state)}
        before = {name: os.environ.get(name) for name in own}
        os.environ.update(own)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def containers(self) -> dict[str, Container]:
        """Its containers, by service."""
        found = self._labelled(f"{labels.ENVIRONMENT}={self.name}", labels.SERVICE)
        return {each.labels[labels.SERVICE]: each for each in found}

    def ids(self) -> dict[str, str]:
        """The ids of its containers, by service."""
        return {service: str(container.id) for service, container in self.containers().items()}

    def helpers(self) -> list[str]:
        """Names of its containers that are no service: those that write or validate a config."""
        return [
            str(each.name)
            for each in self._labelled(f"{labels.ENVIRONMENT}={self.name}")
            if labels.SERVICE not in each.labels
        ]

    def volumes(self) -> set[str]:
        """Names of its volumes."""
        found = self.engine.volumes.list(filters={"label": f"{labels.ENVIRONMENT}={self.name}"})
        return {str(volume.name) for volume in found}

    def url(self, service: str) -> str:
        """Where a published service is reached, from the spec's ports alone."""
        key = MAIN_PORTS.get(service, service.replace("-", "_"))
        return f"http://127.0.0.1:{self.spec['ports'][key]}"

    def get(self, service: str, path: str, **params: str) -> httpx.Response:
        """GETs a path of a service; fails unless it answers with success."""
        return self.http.get(f"{self.url(service)}{path}", params=params).raise_for_status()

    def data(self, service: str, path: str, **params: str) -> Any:
        """The `data` of a JSON answer of Prometheus or Loki."""
        return self.get(service, path, **params).json()["data"]

    def query(self, expression: str) -> dict[str, float]:
        """An instant query: value by the label `service` (or `job`)."""
        result = self.data("prometheus", "/api/v1/query", query=expression)["result"]
        return {
            each["metric"].get("service") or each["metric"].get("job", ""): float(each["value"][1]) for each in result
        }

    def metric(self, service: str, name: str) -> float:
        """One sample of a service's own exposition."""
        lines = self.get(service, "/metrics").text.splitlines()
        return float(next(line for line in lines if line.partition(" ")[0] == name).rpartition(" ")[2])

    def mark(self) -> int:
        """Pushes a fresh value of the marker metric by OTLP, and returns it once Prometheus does too."""
        value = time.time_ns() // 10**6
        point = {"timeUnixNano": str(time.time_ns()), "asInt": str(value)}
        metric = {"name": MARKER, "gauge": {"dataPoints": [point]}}
        body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
        self.http.post(f"{self.url('prometheus')}/api/v1/otlp/v1/metrics", json=body).raise_for_status()
        eventually(lambda: self.marked(value))
        return value

    def marked(self, value: int) -> bool:
        """Whether Prometheus has that value of the marker."""
        result = self.data("prometheus", "/api/v1/query", query=f"{MARKER}[1h]")["result"]
        return any(int(float(sample[1])) == value for each in result for sample in each["values"])

    def wreck(self) -> None:
        """Removes all its containers behind Pulumi's back."""
        for container in self._labelled(f"{labels.ENVIRONMENT}={self.name}"):
            container.remove(force=True)

    def remove(self) -> None:
        """Takes everything away, whatever state it is in; how `down` does that is for tests to say (12 s)."""
        for process in processes_of(self.clone):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        sweep(self.engine, lambda name: name == self.name)
        self.http.close()

    def _labelled(self, *wanted: str) -> list[Container]:
        # By the low-level client: what is removed meanwhile is no error then.
        rows = self.engine.api.containers(all=True, filters={"label": list(wanted)})
        found = []
        for row in rows:
            with contextlib.suppress(docker.errors.NotFound):
                found.append(self.engine.containers.get(row["Id"]))
        return found


def eventually(true: Callable[[], T], seconds: float = 20) -> T:
    """What a call gives as soon as it is true; a refused connection counts as not yet. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := true():
                return found
            last: object = found
        except httpx.HTTPError as error:
            last = error
        assert time.monotonic() < deadline, f"still {last!r} after {seconds} s"
        time.sleep(POLL_SECONDS)


def sweep(engine: docker.DockerClient, is_wanted: Callable[[str], bool]) -> None:
    """Removes the containers, networks and volumes of all environments whose name is wanted."""

    def wanted(carried: Mapping[str, str] | None) -> bool:
        return is_wanted((carried or {}).get(labels.ENVIRONMENT, ""))

    carrying = {"label": labels.ENVIRONMENT}
    for row in engine.api.containers(all=True, filters=carrying):
        if wanted(row["Labels"]):
            with _removed_by_another():
                engine.api.remove_container(row["Id"], force=True)
    for row in engine.api.networks(filters=carrying):
        if wanted(row["Labels"]):
            with _removed_by_another():
                engine.api.remove_network(row["Id"])
    for row in engine.api.volumes(filters=carrying)["Volumes"] or []:
        if wanted(row["Labels"]):
            with _removed_by_another():
                engine.api.remove_volume(row["Name"], force=True)


@contextlib.contextmanager
def _removed_by_another() -> Iterator[None]:
    """Two sessions that start together sweep the same leftovers: what the other one removes is no error."""
    try:
        yield
    except docker.errors.NotFound:
        pass
    except docker.errors.APIError as error:
        if "already in progress" not in str(error.explanation):
            raise


def processes_of(clone: Clone) -> dict[int, str]:
    """Processes that work on a clone's state, found by the variable that they inherit: program by process id."""
    sign = f"POINTSMAN_STATE_DIR={clone.state}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if sign in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    return found


def kill_group(process: subprocess.Popen[str]) -> None:
    """kill -9 of a process and all of its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
