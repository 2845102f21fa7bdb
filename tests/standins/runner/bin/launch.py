"""Runs the listener or the worker, under the process name of the real one."""

import contextlib
import sys
from importlib import import_module
from pathlib import Path

NAMES = {"listener": "Runner.Listener", "worker": "Runner.Worker"}

with contextlib.suppress(OSError):
    Path("/proc/self/comm").write_text(NAMES[sys.argv[1]], "utf-8")
sys.exit(import_module(f"standin.{sys.argv[1]}").main(sys.argv[2:]))
