"""The stubs of Pulumi's provider protocol, and plain values to and from its messages."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Mapping
from typing import Any

from google.protobuf import empty_pb2, struct_pb2

# The value that stands for "not known before the update" in previews (sdk/go/common/resource/plugin/rpc.go).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def _bare(name: str) -> None:
    """Registers a package without running its __init__, so that its sub-modules can be imported alone.

    The stubs lie inside the `pulumi` package, whose own import takes half a second: more than a read of every volume.
    """
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"{name} is not installed: the virtual environment is not complete")
    module = types.ModuleType(name)
    module.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = module


_bare("pulumi")
_bare("pulumi.runtime")

from pulumi.runtime.proto import plugin_pb2, provider_pb2  # noqa: E402
from pulumi.runtime.proto import provider_pb2_grpc as rpc  # noqa: E402

__all__ = ["UNKNOWN", "empty_pb2", "engine_stubs", "from_struct", "plugin_pb2", "provider_pb2", "rpc", "to_struct"]


def from_struct(message: struct_pb2.Struct) -> dict[str, Any]:
    """Plain values of a message; what is unknown or holds an unknown value is left out, whole numbers are ints."""
    return {key: plain for key, value in message.fields.items() if (plain := _plain(value)) is not UNKNOWN}


def to_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """A message of plain values."""
    message = struct_pb2.Struct()
    message.update(dict(values))
    return message


def _plain(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        mapping = {key: _plain(each) for key, each in value.struct_value.fields.items()}
        return UNKNOWN if UNKNOWN in mapping.values() else mapping
    if kind == "list_value":
        items = [_plain(each) for each in value.list_value.values]
        return UNKNOWN if UNKNOWN in items else items
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value == UNKNOWN else value.string_value
    return value.bool_value if kind == "bool_value" else None


def engine_stubs() -> tuple[Any, Any]:
    """Messages and services of the engine itself, for the few runs in which something is told to it."""
    from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

    return engine_pb2, engine_pb2_grpc
