"""The exporter as a host has it: one file, run by the host's Python, scraped over HTTP."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from pointsman.runner_exporter import packing
from tests.standins.github_server.serving import Standin
from tests.unit.runner_exporter.host import BEGIN, Host

GOLDEN = Path(__file__).parent / "golden.txt"
# What is another one at each scrape.
MOVING = re.compile(r"^(pointsman_runner_(?:exporter_\w*seconds|filesystem|folder_(?:bytes|time)|clock)\S* )\S+$", re.M)
MOST_MEMORY = 40 * 2**20


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exporter in one file."""
    target = tmp_path_factory.mktemp("zipapp") / "runner-exporter.pyz"
    packing.build(target)
    return target


def free_port() -> int:
    """A port that nothing has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def environment(host: Host) -> dict[str, str]:
    """What a unit gives its program; nothing of this environment's Python."""
    return {"PATH": host.path, "LC_ALL": "C"}


@contextmanager
def running(zipapp: Path, host: Host, python: str = sys.executable, **more: object) -> Iterator[tuple[str, int]]:
    """The exporter on a port: its address and its process; ends well at SIGTERM."""
    port = free_port()
    command = [python, "-I", str(zipapp), "--settings", str(host.settings(port, **more))]
    process = subprocess.Popen(command, env=environment(host), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        assert "listening on port" in process.stderr.readline()
        yield f"http://127.0.0.1:{port}", process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def page(address: str) -> str:
    """The metrics."""
    with urlopen(f"{address}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def run(zipapp: Path, host: Host, *words: str) -> subprocess.CompletedProcess[str]:
    """The exporter to its end."""
    command = [sys.executable, "-I", str(zipapp), *words]
    return subprocess.run(command, env=environment(host), capture_output=True, text=True, timeout=30, check=False)


def pythons() -> list[str]:
    """This Python, and the oldest that the exporter is for where it is installed."""
    old = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser().glob("versions/3.9.*/bin/python3.9")
    return [sys.executable, *(str(path) for path in sorted(old)[:1])]


@pytest.mark.parametrize("python", pythons(), ids=lambda path: Path(path).name)
def test_a_scrape(python: str, zipapp: Path, host: Host) -> None:
    """The whole page, line by line; `days_left` counts from a release in the far future."""
    host.log(BEGIN, "[2026-03-01 10:00:05Z ERR  Terminal] WRITE ERROR: A session for this runner already exists.")
    with Standin() as github:
        settings = {"latest_version": "2.336.0", "latest_released": "2999-01-01", "github_url": github.url}
        with running(zipapp, host, python, **settings) as (address, _):
            end = time.monotonic() + 10
            while "pointsman_runner_clock" not in (text := page(address)) and time.monotonic() < end:
                time.sleep(0.1)
    shown = re.sub(r"(days_left\S*) \S+", r"\1 SOME", MOVING.sub(r"\1SOME", text))
    assert shown == GOLDEN.read_text()


def test_quick_and_small(zipapp: Path, host: Host) -> None:
    """A scrape in far less than it may take, memory that fits beside a runner, and stays."""
    host.log(BEGIN)
    with running(zipapp, host) as (address, process):
        seconds = []
        for _ in range(20):
            begun = time.monotonic()
            page(address)
            seconds.append(time.monotonic() - begun)
            time.sleep(0.05)
        status = Path(f"/proc/{process}/status").read_text()
    memory = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024
    print(
        f"scrape: median {sorted(seconds)[10] * 1000:.1f} ms, longest {max(seconds) * 1000:.1f} ms; "
        f"memory {memory / 2**20:.1f} MiB"
    )
    assert max(seconds) < 1.0
    assert memory < MOST_MEMORY


def test_systemd_hangs(zipapp: Path, host: Host) -> None:
    """The page comes within two seconds, without the service, and says so."""
    host.systemctl("exec sleep 60")
    with running(zipapp, host) as (address, _):
        begun = time.monotonic()
        text = page(address)
        assert time.monotonic() - begun < 2.0
    assert 'pointsman_runner_exporter_reading_failed{reading="service"} 1\n' in text
    assert 'pointsman_runner_exporter_reading_failed{reading="job"} 0\n' in text
    assert "pointsman_runner_service" not in text
    assert "pointsman_runner_configured 1\n" in text


def test_health(zipapp: Path, host: Host) -> None:
    """Good while it answers."""
    with running(zipapp, host) as (address, _), urlopen(f"{address}/healthz", timeout=5) as answer:
        assert answer.read() == b"ok\n"


def test_one_file_the_same_each_time(zipapp: Path, tmp_path: Path) -> None:
    """The same bytes, hence the same sha256; nothing but the exporter in it, and no import of anything else."""
    assert packing.build(tmp_path / "again.pyz") == packing.build(zipapp)
    assert (tmp_path / "again.pyz").read_bytes() == zipapp.read_bytes()
    with zipfile.ZipFile(zipapp) as archive:
        names = archive.namelist()
        code = b"".join(archive.read(name) for name in names).decode()
    assert {name.rpartition("/")[0] for name in names} == {
        "",
        "pointsman",
        "pointsman/metrics_page",
        "pointsman/runner_exporter",
    }
    imports = set(re.findall(r"^\s*(?:from|import) (\w+)", code, re.M))
    assert imports <= {*sys.stdlib_module_names, "pointsman"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("garbage", "is no JSON"),
        ('{"unit": "x"}', '"x" is not the name of a service'),
        ('{"work_folder": "~/work"}', '"~/work" is not an absolute path'),
        ('{"latest_released": "2026-02-30"}', '"2026-02-30" is not a day'),
        ('{"github_url": "file:///etc/shadow"}', "is not an http or https URL"),
    ],
    ids=["no JSON", "unit", "folder", "day", "URL"],
)
def test_garbage_settings(content: str, said: str, zipapp: Path, host: Host) -> None:
    """Exit 2, one clear message, no traceback."""
    path = host.root / "settings.json"
    path.write_text(content)
    ended = run(zipapp, host, "--settings", str(path))
    assert ended.returncode == 2
    assert said in ended.stderr
    assert str(path) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken(zipapp: Path, host: Host) -> None:
    """Exit 3 with the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(zipapp, host, "--settings", str(host.settings(port)))
    assert ended.returncode == 3
    assert ended.stderr.startswith(f"error: can't listen on 127.0.0.1 port {port}: Address already in use\nnext: ")


def test_no_settings(zipapp: Path, host: Host) -> None:
    """Exit 2: wrong usage."""
    assert run(zipapp, host).returncode == 2
