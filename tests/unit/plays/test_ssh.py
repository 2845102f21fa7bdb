"""The way in, as the real ssh reads it."""

from __future__ import annotations

import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pointsman.errors import UsageError
from pointsman.inventory import Host, Inventory
from pointsman.plays import Way, controller_key, ssh_config
from pointsman.plays.ssh import control_folder, sharing_arguments

VARIABLES = {"ansible_host": "127.0.0.1", "ansible_port": 2201, "ansible_user": "pointsman"}


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A state folder, a home and a folder for sockets of its own."""
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path / "a state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with tempfile.TemporaryDirectory(prefix="run-", dir="/tmp") as run:
        monkeypatch.setenv("XDG_RUNTIME_DIR", run)
        yield


def host(name: str, **variables: object) -> Host:
    """A host with these variables."""
    return Host(name, (), "", 22, "root", None, {}, (), (), variables, (), "")


def inventory(*hosts: Host) -> Inventory:
    """Of dev."""
    return Inventory("dev", "inventory/dev", "", hosts, ())


def read(config: Path, name: str) -> dict[str, str]:
    """What ssh makes of the config for a host."""
    done = subprocess.run(["ssh", "-G", "-F", str(config), name], capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


def test_the_controllers_key_is_made_once() -> None:
    """By several at the same time too; for its owner only, with its public half."""
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(controller_key("dev"))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (key,) = set(found)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    public = subprocess.run(["ssh-keygen", "-y", "-f", str(key)], capture_output=True, text=True, check=True).stdout
    assert key.with_suffix(".pub").read_text().split()[:2] == public.split()[:2]
    assert public.startswith("ssh-ed25519 ")


def test_the_config_as_ssh_reads_it(tmp_path: Path) -> None:
    """A host is reached by its name alone; each has its own entry among the known hosts, also behind one address; a
    container takes the controller's key, a machine its own or what ssh finds."""
    key = tmp_path / "my key"
    path = ssh_config("dev", inventory(host("runner-1", **VARIABLES), host("runner-2")), containers=True)
    told = read(path, "runner-1")
    assert (told["hostname"], told["port"], told["user"]) == ("127.0.0.1", "2201", "pointsman")
    assert (told["hostkeyalias"], told["stricthostkeychecking"]) == ("runner-1", "accept-new")
    assert told["identityfile"] == str(controller_key("dev"))
    assert told["userknownhostsfile"] == str(path.parent / "known_hosts")
    assert len(told["controlpath"]) + 17 < 104
    assert (read(path, "runner-2")["hostname"], read(path, "runner-2")["user"]) == ("runner-2", "root")
    machines = inventory(host("build-1", ansible_ssh_private_key_file=str(key)), host("build-2"))
    path = ssh_config("dev", machines)
    assert read(path, "build-1")["identityfile"] == str(key)
    assert "IdentityFile" not in path.read_text().partition("Host build-2")[2]


def test_the_users_own_config_comes_after_for_machines(tmp_path: Path) -> None:
    """A bastion that somebody has in ~/.ssh/config is used; what the inventory says is not overruled."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text("Host *\n  ProxyJump bastion.example.org\n  Port 99\n")
    told = read(ssh_config("dev", inventory(host("build-1", ansible_port=22))), "build-1")
    assert (told["proxyjump"], told["port"]) == ("bastion.example.org", "22")
    assert "proxyjump" not in read(ssh_config("dev", inventory(host("runner-1")), containers=True), "runner-1")


def test_one_way_for_commands_and_for_the_config() -> None:
    """What ssh is told by arguments is what the config says, with the inventory's further arguments."""
    way = Way.of("dev", "runner-1", {**VARIABLES, "ansible_ssh_common_args": "-o ProxyJump=b"}, container=True)
    done = subprocess.run(["ssh", "-G", *way.options(), "127.0.0.1"], capture_output=True, text=True, check=True)
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    config = read(ssh_config("dev", inventory(host("runner-1", **VARIABLES)), containers=True), "runner-1")
    same = ("hostkeyalias", "stricthostkeychecking", "userknownhostsfile", "identityfile", "identitiesonly")
    assert {key: told[key] for key in same} == {key: config[key] for key in same}
    assert told["proxyjump"] == "b"
    assert way.command("true")[-4:] == ["pointsman", "--", "127.0.0.1", "true"]


def test_connections_are_shared_where_a_socket_can_be(tmp_path: Path) -> None:
    """Not in a folder with a long name: ssh would fail."""
    assert "/tmp/c/%C" in sharing_arguments(Path("/tmp/c"))
    assert sharing_arguments(tmp_path / ("x" * 60)) == "-o ControlMaster=no"


def test_trust_replaces_the_key_of_one_host() -> None:
    """A container that was made anew is no stranger; the others' keys stay."""
    one = Way.of("dev", "runner-1", VARIABLES)
    other = Way.of("dev", "runner-10", VARIABLES)
    one.trust("ssh-ed25519 AAAA root@runner-1")
    other.trust("ssh-ed25519 BBBB")
    one.trust("ssh-ed25519 CCCC\n")
    one.trust("ssh-ed25519 CCCC\n")
    assert one.known_hosts.read_text() == "runner-10 ssh-ed25519 BBBB\nrunner-1 ssh-ed25519 CCCC\n"


def test_a_folder_of_somebody_else_holds_no_sockets(tmp_path: Path) -> None:
    """A link that waits in a folder for all is refused."""
    folder = control_folder()
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(UsageError, match="belongs to somebody else"):
        control_folder()
