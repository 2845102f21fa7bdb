"""The exporter as its container has it: a program, scraped over HTTP."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.unit.github.world import TOKEN
from tests.unit.github_exporter.watched import Watching

SOURCE = Path(__file__).parents[3] / "components"
MOST_MEMORY = 160 * 2**20
COMMAND = [sys.executable, "-m", "pointsman.github_exporter", "--settings"]
ENVIRONMENT = {"PYTHONPATH": str(SOURCE), "PATH": os.environ.get("PATH", "")}


def free_port() -> int:
    """A port that nothing has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(settings: Path) -> Iterator[subprocess.Popen[str]]:
    """The exporter, once it listens; ends well at SIGTERM."""
    process = subprocess.Popen([*COMMAND, str(settings)], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        assert "listening on port" in process.stderr.readline()
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def run(settings: Path) -> subprocess.CompletedProcess[str]:
    """The exporter to its end."""
    command = [*COMMAND, str(settings)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False)


def get(port: int, path: str) -> tuple[int, str]:
    """Status and text of a page."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status), answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def healthy(port: int) -> None:
    """Waits for the first good poll."""
    end = time.monotonic() + 20
    while get(port, "/healthz")[0] != 200 and time.monotonic() < end:
        time.sleep(0.1)
    assert get(port, "/healthz") == (200, "ok\n")


def test_it_runs(watching: Watching) -> None:
    """Healthy after the first poll, the fleet on its page, quick, small, and no token anywhere."""
    watching.enlist("one", "deploy")
    port = free_port()
    with running(watching.settings_file(port=port)) as process:
        healthy(port)
        begun = time.monotonic()
        status, text = get(port, "/metrics")
        seconds = time.monotonic() - begun
        memory = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        arguments = Path(f"/proc/{process.pid}/cmdline").read_text()
    assert status == 200
    assert 'pointsman_github_runner_online{runner="one"} 1\n' in text
    assert TOKEN.reveal() not in text + arguments
    print(f"scrape {seconds * 1000:.1f} ms; memory {int(memory[0]) / 1024:.1f} MiB")
    assert seconds < 0.5
    assert int(memory[0]) * 1024 < MOST_MEMORY


def test_it_needs_little_of_pointsman() -> None:
    """Exactly the parts that its image holds, and neither Pulumi nor Ansible nor what seals secrets."""
    code = (
        "import sys, pointsman.github_exporter.serving, githubkit\n"
        "print(sorted({name.split('.')[1] for name in sys.modules if name.startswith('pointsman.')}))\n"
        "print([name for name in ('pulumi', 'ansible', 'nacl', 'docker', 'typer') if name in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert found.stdout == "['errors', 'github', 'github_exporter', 'metrics_page']\n[]\n"


def test_github_down_at_the_start(watching: Watching) -> None:
    """It serves all the same: not healthy, with the reason; and gets well by itself."""
    watching.standin.app.faults.add({"kind": "status", "status": 503})
    port = free_port()
    with running(watching.settings_file(port=port, interval=5)):
        end = time.monotonic() + 20
        while "GitHub answered 503" not in (health := get(port, "/healthz"))[1] and time.monotonic() < end:
            time.sleep(0.1)
        assert health[0] == 503
        assert "GitHub answered 503" in health[1]
        assert 'pointsman_github_errors_total{class="down"} 1\n' in get(port, "/metrics")[1]
        watching.standin.app.faults.set.clear()
        healthy(port)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"interval": 1}, "interval: 1 is not a number from 5 to 3600"),
        ({"secrets": ["A-B"]}, 'secrets: ["A-B"] is not a list of names of secrets'),
        ({"repositories": ["app"]}, 'repositories: ["app"] is not a list of OWNER/REPOSITORY'),
        ({"token": "ghp_x"}, "token: no such setting"),
        ({"url": "https://github.com"}, "names no repository or organisation"),
        ({"url": "http://github.com/acme"}, "unencrypted"),
        ({"token_file": "/nowhere/token"}, "/nowhere/token does not exist"),
    ],
    ids=["interval", "secret", "repository", "a token", "no scope", "unencrypted", "no token file"],
)
def test_garbage_settings(change: dict[str, object], said: str, watching: Watching) -> None:
    """Exit 2, one clear message, no traceback; a token in the settings is not shown."""
    ended = run(watching.settings_file(**change))
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "ghp_x" not in ended.stderr


def test_settings_that_are_no_json(tmp_path: Path) -> None:
    """Exit 2 with the file."""
    path = tmp_path / "settings.json"
    path.write_text("url: https://github.com/acme\n")
    ended = run(path)
    assert (ended.returncode, ended.stderr.startswith(f"error: {path} is no JSON")) == (2, True)


def test_a_port_that_is_taken(watching: Watching) -> None:
    """Exit 3 with the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(watching.settings_file(port=port))
    assert ended.returncode == 3
    assert f"port {port}: Address already in use" in ended.stderr


def test_json_of_the_settings(watching: Watching) -> None:
    """What the test writes is what the documentation says: all keys, and no other."""
    from pointsman.github_exporter.settings import KEYS, load

    path = watching.settings_file(api_url="", port=9103, interval=30, repositories=[], secrets=[])
    told = json.loads(path.read_text()) | {"queue_runs": 100, "queue_scans": 10}
    assert set(told) == set(KEYS)
    assert load(path).queued_in == ("acme/app",)
