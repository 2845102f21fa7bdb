"""Pulumi's provider protocol, served for a few kinds of resources.

Spoken directly, not through `pulumi.provider.experimental`: that turns every failure into a traceback, is not told of a
cancel, and importing it takes longer than all that the plugin does in an `up` without changes.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from functools import partial
from typing import Any, TypeVar

import grpc

from pointsman.errors import PointsmanError
from pointsman.resources.provider.kinds import Cancellation, Kind, Operation
from pointsman.resources.provider.protocol import empty_pb2, from_struct, plugin_pb2, provider_pb2, rpc, to_struct
from pointsman.resources.provider.telling import Engine

VERSION = "0.1.0"
# As in the engine: a state with many config files is larger than gRPC's default of 4 MiB.
MAX_MESSAGE_BYTES = 400 << 20
# More than the engine asks for at once: its Cancel must find a free place among plays that wait for their turn.
OPERATIONS_AT_ONCE = 64
# How long what is under way may take to end after a cancel: a play is stopped with all that it started.
END_SECONDS = 15

T = TypeVar("T")


class Provider(rpc.ResourceProviderServicer):
    """The protocol's verbs, each handed to the kind that the resource's URN names."""

    def __init__(self, kinds: Mapping[str, Kind], stop: Callable[[], None], engine: Engine) -> None:
        self._kinds = kinds
        self._stop = stop
        self._engine = engine
        self._cancellation = Cancellation()

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answers the engine's first call; nothing is negotiated."""
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The plugin's version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The tokens of the kinds; their program side is written by hand in `pointsman.resources.custom`."""
        schema = {"name": "pointsman", "version": VERSION, "resources": {token: {} for token in self._kinds}}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The provider takes no configuration."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The provider takes no configuration, so nothing in it can differ."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Previews are served; secrets are left to the engine, which marks outputs by their inputs."""
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuses wrong inputs before anything is touched."""
        failures = self._guard(context, lambda: self._kind(request.urn).check(from_struct(request.news)))
        return provider_pb2.CheckResponse(
            inputs=request.news,
            failures=[provider_pb2.CheckFailure(property=each.key, reason=each.reason) for each in failures],
        )

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Says property by property what an update would change, so that a preview shows the lines."""
        old_inputs, state, inputs = (from_struct(each) for each in (request.old_inputs, request.olds, request.news))
        change = self._guard(context, lambda: self._kind(request.urn).diff(old_inputs, state, inputs))
        answer = provider_pb2.DiffResponse
        how = provider_pb2.PropertyDiff.UPDATE_REPLACE if change.replace else provider_pb2.PropertyDiff.UPDATE
        return answer(
            changes=answer.DIFF_SOME if change.paths else answer.DIFF_NONE,
            diffs=sorted({path.partition("[")[0] for path in change.paths}),
            replaces=sorted({path.partition("[")[0] for path in change.paths}) if change.replace else [],
            detailedDiff={path: provider_pb2.PropertyDiff(kind=how, inputDiff=True) for path in change.paths},
            hasDetailedDiff=True,
            deleteBeforeReplace=change.delete_first,
        )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Makes a resource; a preview makes nothing."""
        inputs = from_struct(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        made, added = self._guard(context, lambda: self._kind(request.urn).create(inputs, self._operation(request.urn)))
        return provider_pb2.CreateResponse(id=made, properties=to_struct({**inputs, **added}))

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Changes a resource in place; a preview changes nothing."""
        inputs, state = from_struct(request.news), from_struct(request.olds)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        operation = self._operation(request.urn)
        added = self._guard(context, lambda: self._kind(request.urn).update(state, inputs, operation))
        return provider_pb2.UpdateResponse(properties=to_struct({**inputs, **added}))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        """What is in the world; an answer without an id means that the resource is gone."""
        state = from_struct(request.properties)
        found = self._guard(context, lambda: self._kind(request.urn).read(state, self._operation(request.urn)))
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=to_struct({**state, **found}), inputs=request.inputs)

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Removes a resource."""
        state, operation = from_struct(request.properties), self._operation(request.urn)
        self._guard(context, lambda: self._kind(request.urn).delete(state, operation))
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Ends every wait; what was begun can be repeated."""
        self.cancel()
        # The answer must go out before the server ends.
        threading.Timer(0.05, self._stop).start()
        return empty_pb2.Empty()

    def cancel(self) -> None:
        """Lets what is under way end early."""
        self._cancellation.cancel()

    def _operation(self, urn: str) -> Operation:
        return self._cancellation.operation(partial(self._engine.tell, urn), partial(self._engine.warn, urn))

    def _kind(self, urn: str) -> Kind:
        # The type may carry its parents: `parent$pointsman:index:ConfigVolume`.
        token = urn.split("::")[2].rpartition("$")[2]
        if token not in self._kinds:
            raise PointsmanError(f"the plugin has no resource {token}; it has {', '.join(self._kinds)}")
        return self._kinds[token]

    def _guard(self, context: grpc.ServicerContext, call: Callable[[], T]) -> T:
        try:
            return call()
        except PointsmanError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:
            context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")
        raise AssertionError("abort raises")


def serve(kinds: Mapping[str, Kind], engine: str = "") -> None:
    """Serves the kinds on a loopback port, which it prints, until the engine cancels or ends it.

    `engine` is the engine's own address, to tell it what is being done.
    """
    # Ctrl-C reaches the whole process group; the engine says by Cancel when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = grpc.server(
        futures.ThreadPoolExecutor(OPERATIONS_AT_ONCE),
        options=[("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)],
    )

    def stop() -> None:
        server.stop(grace=END_SECONDS)

    provider = Provider(kinds, stop, Engine(engine))

    def end(*_: object) -> None:
        provider.cancel()
        stop()

    signal.signal(signal.SIGTERM, end)
    rpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()
