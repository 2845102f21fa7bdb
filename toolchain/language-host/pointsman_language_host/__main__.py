"""The server's life: `python -I -m pointsman_language_host --use-executor <path> <engine address>`.

It prints its port and serves until the engine ends it: with SIGINT to its process group (how CLI 3.256 closes a plugin;
a user's Ctrl-C never arrives here), by `Cancel`, by SIGTERM, or by dying itself. Then every child is stopped, within a
bound.
"""

import argparse
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from pointsman_language_host.host import LanguageHost
from pointsman_language_host.protocol import language_pb2_grpc

EXECUTOR_VARIABLE = "POINTSMAN_EXEC_SCRIPT"
MESSAGE_BYTES = 400 << 20
"""The engine's own limit for one message."""
CALLS = 64
"""Calls at a time: each plugin, policy pack and program that runs holds one. Threads are made as they are needed."""
PARENT_SECONDS = 1.0
"""How often the host looks whether the engine still lives; one that was killed closes nothing."""


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """The arguments that the engine and the launcher pass; unknown flags of the engine's are ignored."""
    parser = argparse.ArgumentParser(prog="pulumi-language-python", allow_abbrev=False)
    parser.add_argument("--use-executor", type=Path, help="path of pulumi-language-python-exec")
    parser.add_argument("--tracing", help="accepted for the engine's sake; this host traces nothing")
    parser.add_argument("engine", nargs="?", default="", help="the engine's address")
    return parser.parse_known_args(argv)[0]


def find_executor(given: Path | None) -> Path:
    """The script that runs programs: the environment variable, else the flag. Exits with 2 when it is not there."""
    variable = os.environ.get(EXECUTOR_VARIABLE)
    path = Path(variable) if variable else given
    if path is None or not path.is_file():
        sys.exit(_usage(f"no pulumi-language-python-exec: {path or 'no --use-executor was given'}"))
    return path.absolute()


def _usage(message: str) -> int:
    print(f"pulumi-language-python: {message}. Install the toolchain again.", file=sys.stderr)
    return 2


def serve(engine: str, executor: Path) -> None:
    """Serves until told to stop; returns when no child is left."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    host = LanguageHost(engine, executor, stopping.set)
    limits = [("grpc.max_receive_message_length", MESSAGE_BYTES), ("grpc.max_send_message_length", MESSAGE_BYTES)]
    server = grpc.server(ThreadPoolExecutor(CALLS), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    parent = os.getppid()
    server.start()
    print(port, flush=True)
    while not stopping.wait(PARENT_SECONDS) and os.getppid() == parent:
        pass
    host.children.stop_all()
    server.stop(grace=0.1).wait()


def main() -> None:
    """Entry point."""
    arguments = parse_arguments(sys.argv[1:])
    serve(arguments.engine, find_executor(arguments.use_executor))


if __name__ == "__main__":
    main()
