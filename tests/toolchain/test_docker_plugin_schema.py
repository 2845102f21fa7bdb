"""The Docker plugin built from toolchain/docker-plugin speaks the names of the public pulumi-docker SDK.

The SDK's own classes say what it sends and reads: resource and function tokens, property names, which inputs must be
given. Each is looked up in the schema that the running plugin answers, so that a program written against the official
plugin works with ours.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pulumi
import pulumi_docker
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from pointsman.paths import cache_dir

# The one resource that the official plugin implements itself, outside the Terraform provider both plugins wrap; its own
# documentation sends users to the docker-build package. RemoteImage and the Docker API serve in its place.
NOT_BRIDGED = {"docker:index/image:Image"}
# Its nested types, which nothing else uses.
NOT_BRIDGED_TYPES = {f"docker:index/{name}:{name}" for name in ("CacheFrom", "DockerBuild", "Registry")}

GRPC_OPTIONS = [("grpc.max_receive_message_length", 64 * 2**20)]
START_SECONDS = 30

Schema = dict[str, Any]


def plugin_path() -> Path:
    """The plugin binary: POINTSMAN_DOCKER_PLUGIN, else that of the toolchain built last on this machine."""
    if given := os.environ.get("POINTSMAN_DOCKER_PLUGIN"):
        return Path(given)
    assembled = cache_dir().glob("toolchain/home-*/plugins/resource-docker-v*/pulumi-resource-docker")
    built = sorted(assembled, key=lambda path: path.stat().st_mtime)
    if not built:
        pytest.fail(f"no Docker plugin below {cache_dir()}: build the toolchain or set POINTSMAN_DOCKER_PLUGIN")
    return built[-1]


@pytest.fixture(scope="module")
def docker_plugin_schema() -> Iterator[Schema]:
    """The schema, asked of the running plugin over its own protocol."""
    # The argument is the engine's address; the plugin calls it only to log.
    command = [str(plugin_path()), "127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as plugin:
        try:
            assert plugin.stdout is not None
            port = plugin.stdout.readline().strip()
            assert port.isdigit(), f"{command[0]} did not print its port"
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=GRPC_OPTIONS) as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                answer = stub.GetSchema(
                    provider_pb2.GetSchemaRequest(version=0), timeout=START_SECONDS, wait_for_ready=True
                )
            yield json.loads(answer.schema)
        finally:
            plugin.terminate()


def sdk_classes(base: type) -> list[type]:
    """The SDK's own subclasses of base, by the modules it is made of."""
    modules = [
        importlib.import_module(f"pulumi_docker.{module.name}")
        for module in pkgutil.iter_modules(pulumi_docker.__path__)
    ]
    found = {
        member
        for module in modules
        for member in vars(module).values()
        if inspect.isclass(member) and issubclass(member, base) and member.__module__.startswith("pulumi_docker.")
    }
    return sorted(found, key=lambda member: member.__name__)


def wire_names(cls: type) -> dict[str, str]:
    """Python name to name on the wire, for each property that @pulumi.getter marks."""
    getters = {name: member.fget for name, member in vars(cls).items() if isinstance(member, property)}
    wire = {name: getattr(getter, "_pulumi_name", None) for name, getter in getters.items()}
    return {name: str(on_wire) for name, on_wire in wire.items() if on_wire}


def required_inputs(args: type) -> set[str]:
    """Wire names of the inputs without which an Args class cannot be made."""
    names = wire_names(args)
    parameters = list(inspect.signature(args).parameters.values())
    return {names[parameter.name] for parameter in parameters if parameter.default is parameter.empty}


def type_token(cls: type) -> str:
    """`pulumi_type`, which @pulumi.type_token sets."""
    return str(vars(cls)["pulumi_type"])


RESOURCES = [cls for cls in sdk_classes(pulumi.CustomResource) if type_token(cls) not in NOT_BRIDGED]
SDK_FUNCTIONS = {
    name: function
    for name, function in vars(pulumi_docker).items()
    if inspect.isfunction(function) and name.startswith("get_") and not name.endswith("_output")
}


def args_class(resource: type) -> type:
    """The Args class beside a resource: ContainerArgs, or ServiceInitArgs where a nested type has the plain name."""
    module = importlib.import_module(resource.__module__)
    found = getattr(module, f"{resource.__name__}InitArgs", None) or getattr(module, f"{resource.__name__}Args")
    assert inspect.isclass(found)
    return found


def described(schema: Schema, token: str) -> Schema:
    """What the schema says of a resource token; the provider itself stands apart in it."""
    if token == "pulumi:providers:docker":
        return dict(schema["provider"])
    assert token in schema["resources"], f"the plugin has no resource {token}"
    return dict(schema["resources"][token])


def test_the_sdk_is_read_as_expected() -> None:
    """Proves the introspection finds the whole SDK: an empty list would make every test below pass."""
    assert {cls.__name__ for cls in RESOURCES} >= {"Container", "RemoteImage", "Network", "Volume", "Provider"}
    assert len(RESOURCES) == 12
    assert len(SDK_FUNCTIONS) == 6
    assert wire_names(pulumi_docker.Container)["networks_advanced"] == "networksAdvanced"


def test_only_the_unbridged_resource_is_missing(docker_plugin_schema: Schema) -> None:
    """Proves the list of exceptions is exact: a token that the plugin came to have must leave the list."""
    tokens = {type_token(cls) for cls in sdk_classes(pulumi.CustomResource)} - {"pulumi:providers:docker"}
    assert tokens - set(docker_plugin_schema["resources"]) == NOT_BRIDGED


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda cls: cls.__name__)
def test_resource_outputs(resource: type, docker_plugin_schema: Schema) -> None:
    """Proves the plugin gives every output that the SDK reads."""
    known = set(described(docker_plugin_schema, type_token(resource)).get("properties", {}))
    assert set(wire_names(resource).values()) - known == set()


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda cls: cls.__name__)
def test_resource_inputs(resource: type, docker_plugin_schema: Schema) -> None:
    """Proves the plugin takes every input that the SDK can send, and demands no other ones than the SDK does."""
    schema, args = described(docker_plugin_schema, type_token(resource)), args_class(resource)
    assert set(wire_names(args).values()) - set(schema.get("inputProperties", {})) == set()
    assert set(schema.get("requiredInputs", [])) == required_inputs(args)


@pytest.mark.parametrize("name", sorted(SDK_FUNCTIONS))
def test_functions(name: str, docker_plugin_schema: Schema) -> None:
    """Proves the plugin has every function of the SDK, with its arguments and results."""
    source = inspect.getsource(SDK_FUNCTIONS[name])
    (token,) = set(re.findall(r"invoke\('([^']+)'", source))
    member = token.rpartition(":")[2]
    result = getattr(importlib.import_module(f"pulumi_docker.{name}"), f"{member[0].upper()}{member[1:]}Result")
    function = docker_plugin_schema["functions"][token]
    assert set(re.findall(r"__args__\['([^']+)'\]", source)) - set(function["inputs"]["properties"]) == set()
    assert set(wire_names(result).values()) - set(function["outputs"]["properties"]) == set()


def nested_classes(module: str) -> list[tuple[str, type]]:
    """The SDK's classes of nested values, each with its type's token."""
    members = vars(importlib.import_module(f"pulumi_docker.{module}")).values()
    own = [member for member in members if inspect.isclass(member) and member.__module__ == f"pulumi_docker.{module}"]
    return [(token, cls) for cls in own if wire_names(cls) and (token := nested_token(cls)) not in NOT_BRIDGED_TYPES]


def nested_token(cls: type) -> str:
    """ContainerPort and ContainerPortArgs are one type; GetNetworkContainerResult is the type getNetworkContainer."""
    name = cls.__name__.removesuffix("Args").removesuffix("Result")
    if name.startswith("Get"):
        name = name[0].lower() + name[1:]
    return f"docker:index/{name}:{name}"


NESTED = [*nested_classes("_inputs"), *nested_classes("outputs")]


@pytest.mark.parametrize(("token", "cls"), NESTED, ids=[cls.__name__ for _, cls in NESTED])
def test_nested_types(token: str, cls: type, docker_plugin_schema: Schema) -> None:
    """Proves that every nested value (a port, a mount, a health check) has each of its properties in the plugin."""
    assert token in docker_plugin_schema["types"], f"the plugin has no type {token}"
    assert set(wire_names(cls).values()) - set(docker_plugin_schema["types"][token]["properties"]) == set()
