"""A Pulumi program run without an engine: what it would register, as the engine would be told it."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import run_in_stack
from pulumi.runtime.sync_await import _sync_await

from pointsman import declared as declarations
from pointsman.declared import Declared
from pointsman.images.model import ImageRef, Resolution
from pointsman.services import grafana
from pointsman.services.estate import compose
from pointsman.services.log_agent import Agent
from pointsman.services.model import Machine
from pointsman.spec.reader import parse
from pointsman.targets.docker.container import plan

PROGRAM = Path(__file__).parents[2] / "stacks/__main__.py"
ESTATE = "0e57a7e0e57a"
USERS = {"loki": 10001, "socket-proxy": 65532}
# What images from packages do not allow.
ABSENT = frozenset({grafana.NAME})


@dataclass(frozen=True)
class Registered:
    """One resource as the program registers it; parent and dependencies by name. `message` holds its inputs as they go
    over the wire."""

    type: str
    name: str
    inputs: dict[str, Any]
    message: struct_pb2.Struct
    parent: str
    depends_on: frozenset[str]
    provider: str
    retain_on_delete: bool
    before_create: tuple[str, ...]


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


@dataclass
class Recording(mocks.Mocks):
    """All that a program registers."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def call(self, args: mocks.MockCallArgs) -> Any:
        """No function of a provider is called."""
        raise AssertionError(f"the program calls {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Its id is its name; its outputs are its inputs."""
        return f"{args.name}-id", args.inputs

    def named(self, name: str, type: str = "") -> Registered:
        """The one resource of that name, and of that type where several have it."""
        (found,) = (each for each in self.resources if each.name == name and each.type.endswith(type))
        return found

    @property
    def children(self) -> dict[str, list[tuple[str, str]]]:
        """Types and names by the name of the parent, sorted."""
        found: dict[str, list[tuple[str, str]]] = {}
        for each in self.resources:
            found.setdefault(each.parent, []).append((each.type, each.name))
        return {parent: sorted(below) for parent, below in found.items()}


class Monitor(mocks.MockMonitor):
    """Keeps what the mocks are not told: parents, dependencies, hooks, and what happens at deletion."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(recording)
        self.recording = recording

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> Any:
        """Records the request as it would go over the wire."""
        if request.type != "pulumi:pulumi:Stack":
            self.recording.resources.append(
                Registered(
                    type=request.type,
                    name=request.name,
                    inputs=rpc.deserialize_properties(request.object),
                    message=request.object,
                    parent=_name(request.parent),
                    depends_on=frozenset(_name(urn) for urn in request.dependencies),
                    provider=_name(request.provider.rpartition("::")[0]),
                    retain_on_delete=request.retainOnDelete,
                    before_create=tuple(request.hooks.before_create),
                )
            )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> Any:
        """Records the outputs of components and of the stack."""
        self.recording.outputs[_name(request.urn)] = rpc.deserialize_properties(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def made(environment: str, text: str = "{}", agent: Agent = "promtail") -> Declared:
    """What an environment with this spec is declared to be, with images that nobody has."""
    spec = parse(text, f"stacks/{environment}.yaml")
    absent = ABSENT if agent == "promtail" else frozenset[str]()
    estate = compose(environment, spec, agent, Machine("/var/run/docker.sock", 998), absent)
    images = {
        each.image: ImageRef(
            service=each.image,
            version="1.2.3",
            image_id=f"sha256:{number:064x}",
            label=f"pointsman/{each.image}:1.2.3-0123456789ab",
            source="packages",
            user=USERS.get(each.image, 65534),
        )
        for number, each in enumerate(estate.services, 1)
    }
    bind, logs = str(spec.network.bind), spec.container_logs
    plans = {
        each.name: plan(each, environment, images[each.image].image_id, images[each.image].user, bind, logs)
        for each in estate.services
    }
    return Declared(estate, ESTATE, plans, Resolution(images, agent, [], absent))


def run_program(declared: Declared, monkeypatch: pytest.MonkeyPatch, program: Path = PROGRAM) -> Recording:
    """Runs stacks/__main__.py as the engine would, for what is declared."""
    return run_with(lambda environment: declared, declared.environment, monkeypatch, program)


def run_with(
    declare: Callable[[str], Declared], environment: str, monkeypatch: pytest.MonkeyPatch, program: Path = PROGRAM
) -> Recording:
    """Runs it with another way to learn what is declared."""
    recording = Recording()
    monkeypatch.setattr(declarations, "declared", declare)
    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
    mocks.set_mocks(recording, project="pointsman", stack=environment, monitor=Monitor(recording))
    # The mocks make a root of their own, whose outputs nobody would register.
    settings.set_root_resource(None)  # type: ignore[arg-type]

    def run() -> None:
        runpy.run_path(str(program), run_name="__main__")

    _sync_await(run_in_stack(run))
    return recording
