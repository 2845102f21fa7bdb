"""The stubs of Pulumi's protocol, taken from the `pulumi` package without running the SDK.

`import pulumi` executes the whole SDK (0.5 s, OpenTelemetry and all), and every `pulumi up` starts this host. The stubs
need none of it: they are plain modules in `pulumi/runtime/proto` that import grpc, protobuf and one another,
relatively. So the parent packages, whose `__init__` would load the SDK, are registered as bare modules that have a
`__path__` and nothing else; the import system then finds the stubs below them. `pulumi.runtime.proto` is registered
too, since its own `__init__` imports every stub there is.

Nothing in this process may import `pulumi` itself afterwards: it would get the bare module.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

PACKAGES = ("pulumi", "pulumi.runtime", "pulumi.runtime.proto", "pulumi.runtime.proto.codegen")


def _register_bare_packages() -> None:
    spec = importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            "the package 'pulumi' is not installed beside the language host: install requirements.lock"
        )
    root = Path(next(iter(spec.submodule_search_locations))).parent
    for name in PACKAGES:
        package = ModuleType(name)
        package.__path__ = [str(root.joinpath(*name.split(".")))]
        sys.modules[name] = package


if "pulumi" not in sys.modules:
    _register_bare_packages()

from google.protobuf import empty_pb2  # noqa: E402
from pulumi.runtime.proto import (  # noqa: E402  (the packages above must be registered first)
    engine_pb2,
    engine_pb2_grpc,
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
)

__all__ = ["empty_pb2", "engine_pb2", "engine_pb2_grpc", "language_pb2", "language_pb2_grpc", "plugin_pb2"]
