"""An environment with two runner hosts, a GitHub stand-in and its exporter; how tests look at them and harm them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from docker.models.containers import Container

from pointsman.checks import Check
from pointsman.github import Scope, connect
from pointsman.hosts import HostPlan, asking, proving
from pointsman.resources.provider.kinds import Operation
from pointsman.resources.provider.runner_registration import RunnerRegistrationKind
from pointsman.targets.docker import names
from pointsman.verify import run as verify
from tests.deployed.estate import Done, Estate, eventually
from tests.deployed.specs import Spec, free_ports, small_spec

PRIMARY, SECONDARY = "runner-1", "runner-2"
HOSTS = (PRIMARY, SECONDARY)
REPOSITORY = "acme/app"
SECRET = "DEPLOY_TOKEN"
SHELL_SECONDS = 60
# GitHub is asked by its exporter this often, the least that a spec may say.
POLL_SECONDS = 10.0


def fleet_spec() -> Spec:
    """Metrics, logs, the dashboards and two hosts."""
    exporter = {"interval": f"{POLL_SECONDS:.0f}s", "secrets": [SECRET]}
    return small_spec() | {"grafana": {"enabled": True}, "runners": {"hosts": "containers", "exporter": exporter}}


@dataclass
class Fleet:
    """The hosts of an environment."""

    estate: Estate

    @property
    def folder(self) -> Path:
        """Its inventory."""
        return self.estate.clone.root / "inventory" / self.estate.name

    def write_inventory(self) -> None:
        """That of `ci`, on ports that nobody has."""
        shutil.copytree(self.estate.clone.root / "inventory" / "ci", self.folder)
        for name, port in zip(HOSTS, free_ports(len(HOSTS)), strict=True):
            self._write_host(name, port)

    def add(self, name: str) -> None:
        """One more secondary host."""
        self._write_host(name, *free_ports(1))
        with self._secondaries() as hosts:
            hosts[name] = None

    def take_out(self, name: str) -> None:
        """A host less."""
        (self.folder / "host_vars" / f"{name}.yml").unlink()
        with self._secondaries() as hosts:
            del hosts[name]

    def plan(self, name: str) -> HostPlan:
        """What spec and inventory make of a host now."""
        return next(each for each in self.estate.declared().hosts if each.name == name)

    def prove(self, *wanted: str) -> dict[tuple[str, str], Check]:
        """The suite of `verify --hosts`: each check by host and name."""
        with self.estate.here():
            report = proving.prove(self.estate.declared(), wanted)
        return {(check.service, check.name): check for check in report.checks}

    def red(self) -> list[Check]:
        """What plain `verify` finds wrong."""
        with self.estate.here():
            return list(verify(self.estate.declared()).failures)

    def pointsman(self, *words: str) -> Done:
        """A verb of the command line on this environment."""
        return self.estate.clone.pointsman(*words, "--env", self.estate.name)

    def harden(self, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit code of `pointsman harden`, and what it says of each host."""
        done = self.pointsman("harden", *words, "--output", "json")
        return done.code, {each["host"]: each for each in done.document().get("hosts", [])}

    def container(self, name: str) -> Container:
        """The container that a host is."""
        return self.estate.engine.containers.get(names.container(self.estate.name, name))

    def shell(self, host: str, command: str, *, good: bool = True) -> str:
        """Runs a command as root on a host, behind everybody's back, without SSH."""
        done = self.container(host).exec_run(["sh", "-c", command])
        assert isinstance(done.output, bytes)
        text = done.output.decode("utf-8", "replace")
        assert not good or done.exit_code == 0, f"{command} → {done.exit_code}: {text}"
        return text

    def github(self, method: str, path: str, /, **body: Any) -> Any:
        """A control of the GitHub stand-in."""
        answer = self.estate.http.request(method, f"{self.estate.url('github')}{path}", json=body or None)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def runners(self) -> dict[str, dict[str, Any]]:
        """The runners that GitHub knows, by name."""
        return {each["name"]: each for each in self.github("GET", "/_control/state")["runners"]}

    def forget_runner(self, name: str) -> None:
        """Takes a runner off GitHub, as somebody does on its pages."""
        with self.estate.here():
            wanted = self.plan(name).registration
            assert wanted is not None
            with connect(Scope.parse(wanted.url, wanted.api_url), asking.token(wanted)) as client:
                assert client.runners.remove(self.runners()[name]["id"])

    def token(self) -> str:
        """The token of the environment's stand-in."""
        return (self.estate.clone.state / "environments" / self.estate.name / "github-token").read_text().strip()

    def registration(self, host: str) -> dict[str, Any]:
        """The inputs and outputs of a host's registration, as the state has them."""
        found = next(each for each in self.estate.state() if each["urn"].endswith(f"::{host}-registration"))
        return dict(found["outputs"])

    def register(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Registers by hand, as the provider does."""
        told: list[str] = []
        with self.estate.here():
            return RunnerRegistrationKind().create(inputs, Operation(told.append, told.append))[1]

    def online(self, name: str) -> None:
        """Waits until GitHub sees a runner online."""
        eventually(lambda: self.runners().get(name, {}).get("status") == "online", seconds=60)

    def loki(self, query: str) -> list[str]:
        """The lines that a query finds."""
        streams = self.estate.data("loki", "/loki/api/v1/query_range", query=query, limit="50", since="15m")["result"]
        return [line for stream in streams for _, line in stream["values"]]

    @contextlib.contextmanager
    def fault(self, kind: str, **fields: Any) -> Iterator[None]:
        """A fault of GitHub, for as long as the block lasts."""
        self.github("POST", "/_control/faults", kind=kind, **fields)
        try:
            yield
        finally:
            self.github("DELETE", "/_control/faults")

    def _write_host(self, name: str, port: int) -> None:
        values = {"ansible_host": "127.0.0.1", "ansible_port": port}
        (self.folder / "host_vars" / f"{name}.yml").write_text(yaml.safe_dump(values))

    @contextlib.contextmanager
    def _secondaries(self) -> Iterator[dict[str, Any]]:
        file = self.folder / "hosts.yml"
        read = yaml.safe_load(file.read_text())
        groups = read["runners"]["children"]
        yield groups["runners_secondary"]["hosts"]
        if not groups["runners_secondary"]["hosts"]:
            del groups["runners_secondary"]
        file.write_text(yaml.safe_dump(read, sort_keys=False))
