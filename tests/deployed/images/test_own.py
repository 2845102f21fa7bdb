"""Images of whole systems and of Python programs, started for real: a host is reached by SSH, a program answers.

Needs Docker, and what the images are made of where this machine has not made them yet (Debian's mirror, pip's index,
root for the host). Containers and keys are removed afterwards, the images stay for the next run.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import docker
import pytest
import requests
from docker.models.containers import Container

from pointsman.builds import PlainProgress, Store
from pointsman.images import tools
from pointsman.images.model import ImageRef
from pointsman.paths import checkout
from tests.deployed.bare_hosts import HOST_OPTIONS, control_groups
from tests.deployed.specs import free_ports

START_SECONDS = 60.0
STOP_SECONDS = 5.0
BUILD_SECONDS = 300.0
NOBODY = 65534
Start = Callable[..., Container]


@pytest.fixture(scope="module")
def images() -> dict[str, ImageRef]:
    """The images, made once a machine."""
    return tools.build(["runner-host", "github-standin", "github-exporter", "notifier", "board"], PlainProgress())


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts containers; all are gone after the test."""
    client = docker.from_env()
    started: list[Container] = []

    def run(image: ImageRef, command: Sequence[str] = (), **more: object) -> Container:
        started.append(client.containers.run(image.image_id, list(command), detach=True, **more))  # type: ignore[call-overload]
        return started[-1]

    yield run
    for container in started:
        container.remove(force=True, v=True)


def until(ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "not ready in time"
        time.sleep(0.3)


def said(container: Container, *command: str) -> str:
    """What a command in a container says."""
    output = container.exec_run(list(command)).output
    assert isinstance(output, bytes)
    return output.decode().strip()


def key_pair(folder: Path) -> Path:
    """A new key; the public half lies beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    return folder / "key"


def test_two_hosts_run_and_are_nobodys_twins(images: dict[str, ImageRef], start: Start, tmp_path: Path) -> None:
    """Both reach `running` with no failed unit, let only the key in, and have identities of their own."""
    key, options = key_pair(tmp_path), {**HOST_OPTIONS, **control_groups()}
    given = f"{key}.pub:/etc/pointsman-firstboot/authorized_keys:ro"
    options["volumes"] = [*options.get("volumes", []), given]  # type: ignore[misc]
    hosts = {}
    for port in free_ports(2):
        hosts[port] = start(images["runner-host"], ports={"22/tcp": ("127.0.0.1", port)}, **options)
    seen = []
    for port, host in hosts.items():
        until(lambda host=host: said(host, "systemctl", "is-system-running") in ("running", "degraded"))  # type: ignore[misc]
        assert said(host, "systemctl", "--failed", "--plain", "--no-legend") == ""
        ssh = ["ssh", "-F", "/dev/null", "-i", str(key), "-p", str(port), "-o", "BatchMode=yes"]
        ssh += ["-o", "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={tmp_path / 'hosts'}"]
        ask = "sudo sysctl -w net.ipv4.conf.all.log_martians=1 && cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub"
        done = subprocess.run([*ssh, "pointsman@127.0.0.1", ask], capture_output=True, text=True, check=True)
        changed, machine, host_key = done.stdout.splitlines()
        assert changed == "net.ipv4.conf.all.log_martians = 1"
        seen.append((machine, host_key.split()[1]))
        accounts = said(host, "cut", "-d:", "-f2", "/etc/shadow").split()
        assert all(word in ("*", "!", "!*") for word in accounts), "an account has a password"
        refused = subprocess.run([*ssh, "-o", "IdentityFile=none", "root@127.0.0.1", "true"], capture_output=True)
        assert refused.returncode == 255
    assert len({machine for machine, _ in seen}) == len({host_key for _, host_key in seen}) == 2
    began = time.monotonic()
    host.stop(timeout=30)
    assert time.monotonic() - began < STOP_SECONDS


def test_a_host_is_itself_after_a_restart(images: dict[str, ImageRef], start: Start) -> None:
    """Machine-id and host keys stay, and it comes up again."""
    host = start(images["runner-host"], **HOST_OPTIONS, **control_groups())
    before = []
    for _ in range(2):
        until(lambda: said(host, "systemctl", "is-active", "ssh") == "active")
        before.append((said(host, "cat", "/etc/machine-id"), said(host, "sha256sum", "/etc/ssh/ssh_host_ed25519_key")))
        host.restart(timeout=30)
    assert before[0] == before[1]
    assert len(before[0][0]) == 32


def test_the_stand_in_for_github_answers(images: dict[str, ImageRef], start: Start) -> None:
    """Read-only, without a capability, as nobody: requests are held to the description that is in the image."""
    (port,) = free_ports(1)
    command = ["--host", "0.0.0.0", "--port", "8080"]
    options = {"read_only": True, "cap_drop": ["ALL"], "ports": {"8080/tcp": ("127.0.0.1", port)}}
    standin = start(images["github-standin"], command, **options)

    def answered() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/rate_limit", timeout=5).status_code == 401
        except requests.ConnectionError:
            return False

    until(answered)
    assert said(standin, "/usr/bin/python3", "-c", "import os; print(os.getuid())") == str(NOBODY)


def test_the_github_exporter_starts_and_can_check_certificates(images: dict[str, ImageRef], start: Start) -> None:
    """Its client is compiled beforehand, and the certificates of the image are found."""
    options = {"read_only": True, "cap_drop": ["ALL"]}
    exporter = start(images["github-exporter"], ["--help"], **options)
    assert exporter.wait(timeout=START_SECONDS)["StatusCode"] == os.EX_OK
    assert "--settings" in exporter.logs().decode()
    asked = (
        "import ssl, githubkit, pointsman.github as g;"
        "print(len(ssl.create_default_context().get_ca_certs()) > 50, githubkit.__cached__, g.Repository.__name__)"
    )
    client = start(images["github-exporter"], ["-c", asked], entrypoint=["/usr/bin/python3"], **options)
    assert client.wait(timeout=START_SECONDS)["StatusCode"] == os.EX_OK
    lists, cached, name = client.logs().decode().split()
    assert (lists, name) == ("True", "Repository")
    assert cached.startswith("/opt/pointsman/lib/githubkit/__pycache__/")


def test_the_notifier_starts_and_can_check_certificates(images: dict[str, ImageRef], start: Start) -> None:
    """It has all that it imports, and the certificates that its clients look for are its own."""
    options = {"read_only": True, "cap_drop": ["ALL"]}
    asked = (
        "import httpx, pointsman.notifier.serving as s;"
        "print(len(httpx.create_ssl_context().get_ca_certs()) > 50, s.NotifierServer.connections)"
    )
    for command, entrypoint in ((["--help"], None), (["-c", asked], ["/usr/bin/python3"])):
        notifier = start(images["notifier"], command, **options, **({"entrypoint": entrypoint} if entrypoint else {}))
        assert notifier.wait(timeout=START_SECONDS)["StatusCode"] == os.EX_OK
    assert notifier.logs().decode().split() == ["True", "64"]


def test_the_board_starts_on_the_files_of_its_environment(images: dict[str, ImageRef], start: Start) -> None:
    """Nothing is written, nothing is root's; its chart library is in the image, and it says what it is."""
    options = {"read_only": True, "cap_drop": ["ALL"], "network_mode": "none"}
    asked = (
        "import threading, urllib.request as u; from pointsman.board.provisioning import Provisioned;"
        "from pointsman.board.serving import Site, server; s = server(Site(Provisioned((), (), ())), '127.0.0.1', 0);"
        "threading.Thread(target=s.serve_forever, daemon=True).start(); at = f'http://127.0.0.1:{s.port}';"
        "print(len(u.urlopen(at + '/static/plotly.min.js').read()) > 10**6, u.urlopen(at + '/api/health').read())"
    )
    board = start(images["board"], ["-c", asked], entrypoint=["/usr/bin/python3"], **options)
    assert board.wait(timeout=START_SECONDS)["StatusCode"] == os.EX_OK, board.logs()
    told = board.logs().decode()
    assert told.startswith("True")
    assert "not Grafana" in told


MAKING = """
from pointsman.builds import PlainProgress, Store
from pointsman.images import catalogue, packages
Store().ensure([packages.plan("runner-host", catalogue.load().image("runner-host")).build], progress=PlainProgress())
"""


def test_a_killed_build_of_a_system_leaves_no_mount_and_no_process(tmp_path: Path) -> None:
    """Killed while packages are unpacked: what was downloaded stays for the next run, nothing else does."""
    environment = {**os.environ, "POINTSMAN_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(checkout() / "components")}
    log = tmp_path / "logs" / "images-runner-host.log"
    with subprocess.Popen([sys.executable, "-c", MAKING], env=environment, start_new_session=True) as making:
        try:
            until(lambda: log.is_file() and "I: Extracting" in log.read_text(errors="replace"), BUILD_SECONDS)
        finally:
            making.send_signal(signal.SIGKILL)
    until(lambda: str(tmp_path) not in _everything_running())
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
    assert list((tmp_path / "scratch" / "debootstrap-bookworm").glob("libc6_*.deb"))
    Store(root=tmp_path / "builds", logs=tmp_path / "logs", scratch=tmp_path / "scratch").clean()
    assert not (tmp_path / "builds" / ".work").exists()


def _everything_running() -> str:
    """The command lines of all processes."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return "\n".join(found)
