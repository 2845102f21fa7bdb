"""The language host as a process, called as the engine calls it; a stand-in engine keeps what is logged."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from pointsman_language_host.protocol import (
    empty_pb2,
    engine_pb2_grpc,
    language_pb2,
    language_pb2_grpc,
)

READY_SECONDS = 10.0
"""Generous, for a loaded machine; measured 0.14 s."""

# A process that ends only by SIGKILL, with a child of its own; both leave their pids.
STUBBORN = """
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pids = pathlib.Path(sys.argv[-1])
child = subprocess.Popen(["sleep", "300"])
for pid in (os.getpid(), child.pid):
    (pids / str(pid)).touch()
print("up", flush=True)
time.sleep(300)
"""


class Engine(engine_pb2_grpc.EngineServicer):
    """Keeps every message."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, str]] = []

    def Log(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.messages.append((request.severity, request.message))
        return empty_pb2.Empty()


@pytest.fixture
def engine() -> Iterator[tuple[str, Engine]]:
    """A stand-in engine and its address."""
    servicer, server = Engine(), grpc.server(ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", servicer
    server.stop(None)


@pytest.fixture
def start(bin_dir: Path) -> Iterator[Callable[[str], tuple[subprocess.Popen[str], Any]]]:
    """Starts hosts; gives the process and a client."""
    started: list[subprocess.Popen[str]] = []

    def launch(address: str = "") -> tuple[subprocess.Popen[str], Any]:
        began = time.monotonic()
        launcher = str(bin_dir / "pulumi-language-python")
        process = subprocess.Popen([launcher, *([address] if address else [])], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        port = int(process.stdout.readline())
        assert time.monotonic() - began < READY_SECONDS
        return process, language_pb2_grpc.LanguageRuntimeStub(grpc.insecure_channel(f"127.0.0.1:{port}"))

    yield launch
    for process in started:
        process.kill()
        process.wait()


def info(root: Path, **options: str) -> Any:
    """A program in `root` with these runtime options."""
    found = language_pb2.ProgramInfo(root_directory=str(root), program_directory=str(root), entry_point=".")
    found.options.update(options)
    return found


def plugin(root: Path, source: str, pids: Path) -> Any:
    """A request to run this source as a plugin."""
    root.mkdir()
    (root / "__main__.py").write_text(source)
    return language_pb2.RunPluginRequest(
        pwd=str(root), args=[str(pids)], kind="resource", info=info(root, virtualenv=sys.prefix)
    )


def test_a_plugin_s_output_and_exit_code_are_streamed(tmp_path: Path, start: Any) -> None:
    """Chunks of both streams arrive, the environment is the request's, and the exit code comes last."""
    source = "import os, sys; print(os.environ['GIVEN']); print('e', file=sys.stderr); sys.exit(3)"
    request = plugin(tmp_path / "plugin", source, tmp_path)
    request.env.extend([f"PATH={os.environ['PATH']}", "GIVEN=value"])
    _, client = start()
    answers = list(client.RunPlugin(request))
    assert b"".join(answer.stdout for answer in answers) == b"value\n"
    assert b"".join(answer.stderr for answer in answers) == b"e\n"
    assert answers[-1].exitcode == 3


def ended_by_the_caller(process: subprocess.Popen[str], client: Any, call: Any) -> None:
    """The engine closes a plugin."""
    call.cancel()


def cancelled(process: subprocess.Popen[str], client: Any, call: Any) -> None:
    """The engine cancels all."""
    client.Cancel(empty_pb2.Empty())


def signalled(number: signal.Signals) -> Callable[[subprocess.Popen[str], Any, Any], None]:
    """The host gets a signal."""
    return lambda process, client, call: process.send_signal(number)


@pytest.mark.parametrize(
    ("end", "host_ends"),
    [
        pytest.param(ended_by_the_caller, False, id="call cancelled"),
        pytest.param(cancelled, True, id="Cancel"),
        pytest.param(signalled(signal.SIGINT), True, id="SIGINT"),
        pytest.param(signalled(signal.SIGTERM), True, id="SIGTERM"),
        pytest.param(signalled(signal.SIGKILL), True, id="SIGKILL"),
    ],
)
def test_no_child_outlives_its_reason(
    tmp_path: Path, start: Any, processes: Any, all_gone: Any, end: Any, host_ends: bool
) -> None:
    """However a call or the host ends, a plugin that ignores SIGTERM, and its child, are gone in the engine's 5 s."""
    process, client = start()
    call = client.RunPlugin(plugin(tmp_path / "plugin", STUBBORN, tmp_path / "pids"))
    assert next(call).stdout.startswith(b"up")
    pids = processes(2)
    end(process, client, call)
    assert all_gone(pids, 5.0)
    if host_ends:
        process.wait(5.0)
    else:
        assert client.GetPluginInfo(empty_pb2.Empty()).version


def test_a_host_is_no_burden_to_the_end_of_a_run(start: Any) -> None:
    """The engine closes a host with SIGINT and waits up to 5 s for it, at every preview and `up`."""
    process, _ = start()
    process.send_signal(signal.SIGINT)
    assert process.wait(2.0) == 0


def test_the_host_does_not_outlive_an_engine_that_was_killed(bin_dir: Path, all_gone: Any) -> None:
    """The engine's death closes nothing that the host would notice; it sees that its parent changed."""
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys; p = subprocess.Popen(sys.argv[1:]); print(p.pid, flush=True); p.wait()",
            str(bin_dir / "pulumi-language-python"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    pid, _port = int(parent.stdout.readline()), int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    assert all_gone([pid], 5.0)


def test_run_sends_the_program_s_output_before_it_answers(
    tmp_path: Path, bin_dir: Path, start: Any, engine: Any
) -> None:
    """Each line of both streams is an `info` diagnostic, the last one too; a failing exit code is named."""
    address, log = engine
    script = tmp_path / "exec.py"
    script.write_text("import sys; print('out'); print('err', file=sys.stderr); sys.exit(int(sys.argv[-1]))")
    os.environ["POINTSMAN_EXEC_SCRIPT"] = str(script)
    try:
        _, client = start(address)
    finally:
        del os.environ["POINTSMAN_EXEC_SCRIPT"]
    request = language_pb2.RunRequest(
        project="p", stack="s", pwd=str(tmp_path), args=["7"], info=info(tmp_path, virtualenv=sys.prefix)
    )
    assert "code 7" in client.Run(request).error
    assert sorted(log.messages) == [(1, "err\n"), (1, "out\n")]
    request.args[:] = ["32"]
    assert client.Run(request) == language_pb2.RunResponse(bail=True)
    request.args[:] = ["0"]
    assert client.Run(request) == language_pb2.RunResponse()


def test_mistakes_and_what_is_left_out_are_told(tmp_path: Path, start: Any) -> None:
    """A missing virtual environment comes with a remedy; code generation points to the official host."""
    _, client = start()
    with pytest.raises(grpc.RpcError) as caught:
        client.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info(tmp_path, virtualenv="none")))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "pulumi install" in caught.value.details()
    with pytest.raises(grpc.RpcError) as caught:
        client.GeneratePackage(language_pb2.GeneratePackageRequest())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "official" in caught.value.details()


def test_the_program_s_environment_is_asked_not_the_host_s(tmp_path: Path, start: Any) -> None:
    """About and the dependencies come from the virtual environment that InstallDependencies has just made."""
    (tmp_path / "requirements.txt").write_text("# nothing is needed\n")
    _, client = start()
    program = info(tmp_path, virtualenv=".venv")
    said = b"".join(
        answer.stdout for answer in client.InstallDependencies(language_pb2.InstallDependenciesRequest(info=program))
    )
    assert f"Making the virtual environment {tmp_path}/.venv".encode() in said
    assert client.About(language_pb2.AboutRequest(info=program)).executable == f"{tmp_path}/.venv/bin/python"
    request = language_pb2.GetProgramDependenciesRequest(info=program)
    assert {found.name for found in client.GetProgramDependencies(request).dependencies} == {"pip", "setuptools"}
