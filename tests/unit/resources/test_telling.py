"""What a resource is doing, as the engine hears it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent import futures
from typing import Any, cast

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2

from pointsman.resources.provider.kinds import Cancelled, Change, Failure, Kind, Operation, Props
from pointsman.resources.provider.server import Provider
from pointsman.resources.provider.telling import Engine

URN = "urn:pulumi:dev::pointsman::pointsman:index:Chatty::runner-1"


class Listening(engine_pb2_grpc.EngineServicer):
    """An engine that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def Log(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Keeps it."""
        self.heard.append(request)
        return empty_pb2.Empty()


@pytest.fixture
def engine() -> Iterator[tuple[Listening, str]]:
    """One, and where it listens."""
    listening = Listening()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(listening, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield listening, f"127.0.0.1:{port}"
    server.stop(None).wait()


class Chatty:
    """A kind that tells all that it does, and waits until it is cancelled when asked to."""

    def check(self, inputs: Props) -> list[Failure]:
        return []

    def diff(self, old_inputs: Props, state: Props, inputs: Props) -> Change:
        return Change(("name",), replace=True, delete_first=True)

    def create(self, inputs: Props, operation: Operation) -> tuple[str, dict[str, Any]]:
        operation.tell("runner-1: Install (1)")
        if inputs.get("wait"):
            operation.sleep(30)
        return "1", {}

    def update(self, state: Props, inputs: Props, operation: Operation) -> dict[str, Any]:
        return {}

    def read(self, state: Props, operation: Operation) -> dict[str, Any] | None:
        operation.warn("runner-1 does not answer")
        return {}

    def delete(self, state: Props, operation: Operation) -> None:
        operation.tell("runner-1: Remove (1)")


def provider(address: str) -> Provider:
    """The protocol's verbs over that kind."""
    return Provider({"pointsman:index:Chatty": cast(Kind, Chatty())}, lambda: None, Engine(address))


CONTEXT = cast(grpc.ServicerContext, None)


def test_each_word_is_of_its_resource(engine: tuple[Listening, str]) -> None:
    """What is being done passes, a warning stays; both carry the URN, so that they are shown beside the resource."""
    listening, address = engine
    served = provider(address)
    served.Create(provider_pb2.CreateRequest(urn=URN), CONTEXT)
    served.Read(provider_pb2.ReadRequest(urn=URN, id="1"), CONTEXT)
    served.Delete(provider_pb2.DeleteRequest(urn=URN, id="1"), CONTEXT)
    told = [(each.message, each.ephemeral, each.severity, each.urn) for each in listening.heard]
    assert told == [
        ("runner-1: Install (1)", True, engine_pb2.INFO, URN),
        ("runner-1 does not answer", False, engine_pb2.WARNING, URN),
        ("runner-1: Remove (1)", True, engine_pb2.INFO, URN),
    ]


@pytest.mark.parametrize("address", ["", "127.0.0.1:1"])
def test_an_engine_that_does_not_listen_is_no_fault(address: str) -> None:
    """Work goes on untold."""
    provider(address).Delete(provider_pb2.DeleteRequest(urn=URN, id="1"), CONTEXT)


def test_the_old_one_goes_first_where_both_cannot_be() -> None:
    """The engine is told so."""
    answer = provider("").Diff(provider_pb2.DiffRequest(urn=URN), CONTEXT)
    assert answer.deleteBeforeReplace
    assert list(answer.replaces) == ["name"]


def test_a_cancel_reaches_what_is_under_way() -> None:
    """A wait in one call ends when another call cancels."""
    served = provider("")
    threading.Timer(0.2, served.cancel).start()
    with pytest.raises(Cancelled):
        served._kinds["pointsman:index:Chatty"].create({"wait": True}, served._operation(URN))
