"""The plugin as the engine meets it: a process that is spoken to in Pulumi's protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

PROGRAM = Path(__file__).parents[3] / "components/pointsman/resources/provider/__main__.py"
URN = "urn:pulumi:dev::pointsman::pointsman:index:ObservabilityStack$pointsman:index:{}::loki"
CONFIG, READINESS = URN.format("ConfigVolume"), URN.format("Readiness")
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
CALL_SECONDS = 20
VOLUME: dict[str, Any] = {
    "volume": "pointsman-dev-loki-config",
    "labels": {},
    "files": {"loki.yml": "a: 1\n"},
    "directory": "/etc/loki",
    "image": "sha256:aa",
    "user": 10001,
    "container": "pointsman-dev-loki",
    "fingerprint": "aaaaaaaaaaaa",
    "validate": ["/usr/bin/loki"],
    "watched": [],
    "watchedMetric": "",
    "reload": {"kind": "restart"},
    "baseUrl": "http://127.0.0.1:3100",
    "readyPath": "/ready",
}
READY = {"container": "pointsman-dev-loki", "containerId": "1", "url": "", "timeout": 1}


@dataclass
class Plugin:
    """A running plugin."""

    process: subprocess.Popen[str]
    stub: Any
    start_seconds: float

    def call(self, verb: str, **request: Any) -> Any:
        """One call; the engine's own requests are built from the same stubs."""
        kinds = {
            "Create": provider_pb2.CreateRequest,
            "Check": provider_pb2.CheckRequest,
            "Diff": provider_pb2.DiffRequest,
            "Update": provider_pb2.UpdateRequest,
            "Delete": provider_pb2.DeleteRequest,
        }
        return getattr(self.stub, verb)(kinds[verb](**request), timeout=CALL_SECONDS)


@contextmanager
def started(errors: Path) -> Iterator[Plugin]:
    """A plugin until the block ends, with a good code; Docker is where nobody answers, so that no test can touch it."""
    begin = time.monotonic()
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, str(PROGRAM), "127.0.0.1:1"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "DOCKER_HOST": "unix:///nonexistent/docker.sock", "PYTHONPATH": ""},
        ) as process,
    ):
        assert process.stdout is not None
        port = int(process.stdout.readline())
        seconds = time.monotonic() - begin
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Plugin(process, provider_pb2_grpc.ResourceProviderStub(channel), seconds)
        process.terminate()
        assert process.wait(timeout=CALL_SECONDS) == 0


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """A plugin for all tests that leave it as it is; what it printed as errors is looked at when all are done."""
    errors = tmp_path_factory.mktemp("plugin") / "stderr"
    with started(errors) as running:
        print(f"\nthe plugin answered {running.start_seconds:.2f} s after its start")
        yield running
    assert "Traceback" not in errors.read_text()


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    """A message of plain values."""
    message = struct_pb2.Struct()
    message.update(values)
    return message


def plain(message: struct_pb2.Struct) -> dict[str, Any]:
    """And back."""
    found = {}
    for key, value in message.items():
        found[key] = dict(value.items()) if isinstance(value, struct_pb2.Struct) else value
    return found


def test_it_takes_no_traffic_from_outside(plugin: Plugin) -> None:
    """It listens on loopback and answers the engine's first questions."""
    info = plugin.stub.GetPluginInfo(empty_pb2.Empty(), timeout=CALL_SECONDS)
    schema = plugin.stub.GetSchema(provider_pb2.GetSchemaRequest(), timeout=CALL_SECONDS)
    configured = plugin.stub.Configure(provider_pb2.ConfigureRequest(), timeout=CALL_SECONDS)
    assert info.version == "0.1.0"
    assert set(json.loads(schema.schema)["resources"]) == {
        "pointsman:index:ConfigVolume",
        "pointsman:index:HostPlay",
        "pointsman:index:Readiness",
        "pointsman:index:RunnerRegistration",
    }
    assert configured.supportsPreview


def test_check(plugin: Plugin) -> None:
    """Wrong inputs come back by key; good ones as they were."""
    good = plugin.call("Check", urn=CONFIG, news=struct(VOLUME))
    assert list(good.failures) == []
    assert good.inputs == struct(VOLUME)
    bad = plugin.call("Check", urn=CONFIG, news=struct({**VOLUME, "files": {"../passwd": "x"}}))
    assert [each.property for each in bad.failures] == ['files["../passwd"]']
    late = plugin.call("Check", urn=READINESS, news=struct({**READY, "timeout": 0}))
    assert [(each.property, each.reason) for each in late.failures] == [
        ("timeout", "0: expected a number of seconds above zero")
    ]


def test_diff(plugin: Plugin) -> None:
    """A preview gets the path of each file that changes; a rename replaces the volume."""
    old, new = struct(VOLUME), struct({**VOLUME, "files": {"loki.yml": "a: 2\n"}})
    changed = plugin.call("Diff", urn=CONFIG, old_inputs=old, olds=old, news=new)
    assert changed.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(changed.diffs) == ["files"]
    assert list(changed.replaces) == []
    assert list(changed.detailedDiff) == ['files["loki.yml"]']
    renamed = plugin.call("Diff", urn=CONFIG, old_inputs=old, olds=old, news=struct({**VOLUME, "volume": "other"}))
    assert list(renamed.replaces) == ["volume"]
    same = plugin.call("Diff", urn=READINESS, old_inputs=struct(READY), olds=struct(READY), news=struct(READY))
    assert same.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_preview_makes_nothing(plugin: Plugin) -> None:
    """Docker does not answer here, so that a preview which asked it would fail."""
    created = plugin.call("Create", urn=CONFIG, properties=struct(VOLUME), preview=True)
    updated = plugin.call("Update", urn=CONFIG, olds=struct(VOLUME), news=struct(VOLUME), preview=True)
    assert plain(created.properties)["files"] == VOLUME["files"]
    assert created.id == ""
    assert plain(updated.properties)["volume"] == VOLUME["volume"]


@pytest.mark.parametrize(
    ("urn", "inputs"),
    [
        (CONFIG, {**VOLUME, "files": UNKNOWN}),
        (CONFIG, {**VOLUME, "files": {"loki.yml": UNKNOWN}}),
        (CONFIG, {**VOLUME, "image": UNKNOWN, "volume": UNKNOWN, "validate": ["/usr/bin/loki", UNKNOWN]}),
        (READINESS, {**READY, "containerId": UNKNOWN}),
        (READINESS, {**READY, "timeout": UNKNOWN, "url": UNKNOWN}),
    ],
)
def test_previews_of_unknown_values(plugin: Plugin, urn: str, inputs: dict[str, Any]) -> None:
    """What is only known after the update is neither refused nor a crash, and shows as a change."""
    old = VOLUME if urn == CONFIG else READY
    assert list(plugin.call("Check", urn=urn, news=struct(inputs)).failures) == []
    assert plugin.call("Create", urn=urn, properties=struct(inputs), preview=True).properties == struct(inputs)
    found = plugin.call("Diff", urn=urn, old_inputs=struct(old), olds=struct(old), news=struct(inputs))
    assert found.changes == provider_pb2.DiffResponse.DIFF_SOME


@pytest.mark.parametrize(
    ("verb", "request_", "words"),
    [
        ("Create", {"urn": CONFIG, "properties": VOLUME}, "the Docker engine at unix:///nonexistent/docker.sock"),
        ("Create", {"urn": READINESS, "properties": READY}, "next: run `pointsman preflight`"),
        ("Create", {"urn": CONFIG, "properties": {"volume": "v"}}, "KeyError: 'labels'"),
        ("Update", {"urn": CONFIG, "olds": VOLUME, "news": VOLUME}, "does not answer"),
        ("Delete", {"urn": CONFIG, "properties": VOLUME}, "does not answer"),
        ("Check", {"urn": URN.format("Teapot"), "news": {}}, "the plugin has no resource pointsman:index:Teapot"),
        ("Diff", {"urn": URN.format("Teapot"), "news": {}}, "the plugin has no resource pointsman:index:Teapot"),
        ("Create", {"urn": URN.format("Teapot"), "properties": {}}, "it has pointsman:index:ConfigVolume, "),
    ],
)
def test_failures_are_messages(plugin: Plugin, verb: str, request_: dict[str, Any], words: str) -> None:
    """Whatever goes wrong reaches the user as a sentence; a traceback reaches nobody."""
    request = {name: struct(value) if isinstance(value, dict) else value for name, value in request_.items()}
    with pytest.raises(grpc.RpcError) as failed:
        plugin.call(verb, **request)
    said = str(failed.value.details())
    assert words in said
    assert "Traceback" not in said


def test_cancel_answers_and_ends_the_plugin(tmp_path: Path) -> None:
    """The engine's cancel is answered before the plugin ends, with a good code and nothing on its error output."""
    errors = tmp_path / "stderr"
    with started(errors) as running:
        running.stub.Cancel(empty_pb2.Empty(), timeout=CALL_SECONDS)
        assert running.process.wait(timeout=CALL_SECONDS) == 0
    assert errors.read_text() == ""
