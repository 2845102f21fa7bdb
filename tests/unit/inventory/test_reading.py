"""What comes out of a good inventory, and that one that did not change costs next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pointsman.errors import UnreachableError, UsageError
from pointsman.inventory import Host, Inventory, Package, cache, child, read_folder, read_inventory
from pointsman.inventory.answers import Request, Resolved
from pointsman.spec.mistakes import SpecError
from tests.unit.inventory.folders import GOOD, HOSTS, SHOWN, written

SOURCE = Path(__file__).parents[3] / "components"
CHECKSUM = "0123456789abcdef" * 4
RICH = {
    **GOOD,
    "hosts.yml": HOSTS
    + """\
  hosts:
    web: {exporters_node_port: 9200}
  vars: {runner_labels: [by-group-in-hosts], runner_mode: ephemeral, ansible_port: 1}
""",
    "group_vars/all.yml": "ansible_user: ops\nrunner_labels: [by-all]\nansible_port: 2\nrunner_profile: docker\n",
    "group_vars/runners.yml": "x_site: eu\nrunner_labels: ['{{ x_site }}', deploy]\nansible_port: 3\n",
    "group_vars/runners_primary/a.yml": "ansible_port: 4\nrunner_drain_timeout: 1h30m\n",
    "host_vars/build-1.yml": (
        "ansible_port: '{{ (\"5\" ~ 5) | int }}'\nrunner_name: 'r-{{ inventory_hostname }}'\n"
        f"runner_package_url: https://mirror.example.org/r.tgz\nrunner_package_sha256: {CHECKSUM}\n"
        "runner_package_version: 2.336.0\n"
    ),
}


class Asked:
    """Counts how often Ansible is started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        plain = child.resolved

        def counted(requests: list[Request]) -> list[Resolved]:
            self.times += 1
            return plain(requests)

        monkeypatch.setattr(child, "resolved", counted)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """How often Ansible is started in this test."""
    return Asked(monkeypatch)


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """An inventory that uses every place for a variable."""
    return read_folder(written(tmp_path_factory.mktemp("rich"), RICH), "dev", SHOWN)


def test_values_have_ansibles_precedence_and_our_types(rich: Inventory) -> None:
    """Host before inner group before outer group, files before hosts.yml; Jinja resolved; units made numbers."""
    host = rich.select("build-1")[0]
    assert (host.port, host.user, host.address) == (55, "ops", "build-1")
    assert host.runner is not None
    assert host.runner.name == "r-build-1"
    assert host.labels == ("eu", "deploy")
    assert (host.runner.part, host.runner.mode, host.runner.profile) == ("primary", "ephemeral", "docker")
    assert (host.runner.drain_seconds, host.runner.min_free) == (5400.0, 2 * 2**30)
    assert host.runner.package == Package("https://mirror.example.org/r.tgz", CHECKSUM, "2.336.0")
    assert rich.select("build-2")[0].port == 3


def test_exporters_follow_the_groups(rich: Inventory) -> None:
    """A watched host without a runner has no runner exporter."""
    assert {host.name: dict(host.exporters) for host in rich.hosts} == {
        "build-1": {"node": 9100, "runner": 9101},
        "build-2": {"node": 9100, "runner": 9101},
        "web": {"node": 9200},
    }
    assert [host.name for host in rich.runners] == ["build-1", "build-2"]


def test_hosts_are_chosen_by_name_or_group(rich: Inventory) -> None:
    """A limit names hosts or groups; a name that is neither is refused, with the one that was meant."""
    assert [host.name for host in rich.select("runners_secondary", "web")] == ["build-2", "web"]
    assert rich.select() == rich.hosts == rich.select("all")
    with pytest.raises(UsageError) as caught:
        rich.select("buidl-1")
    assert "did you mean build-1?" in caught.value.remedy


def test_a_play_gets_all_that_was_declared(rich: Inventory) -> None:
    """Plain data with every default, and nothing that only other variables use."""
    variables = dict(rich.select("build-2")[0].variables)
    assert variables["runner_work_folder"] == "/srv/runner/work"
    assert variables["exporters_enabled"] == ["node", "runner"]
    assert variables["runner_name"] == "build-2"
    assert not any(name.startswith("x_") for name in variables)
    assert json.loads(json.dumps(variables)) == variables


def test_an_unchanged_inventory_is_not_resolved_again(tmp_path: Path, asked: Asked) -> None:
    """The second read starts no Ansible and gives the same; a change of any file is seen."""
    folder, kept = written(tmp_path / "hosts", RICH), tmp_path / "state/inventory.json"
    first = read_folder(folder, "dev", SHOWN, kept)
    assert read_folder(folder, "dev", SHOWN, kept) == first
    assert asked.times == 1
    written(folder, {"host_vars/web.yml": "exporters_node_port: 9300\n"})
    assert read_folder(folder, "dev", SHOWN, kept).select("web")[0].exporters == {"node": 9300}
    assert asked.times == 2


def test_what_is_read_from_the_environment_is_part_of_it(
    tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another value is seen; its digest in the cache is not the value."""
    text = "ansible_host: \"{{ lookup('env', 'POINTSMAN_TEST_ADDRESS') }}\"\n"
    folder, kept = written(tmp_path / "hosts", {**GOOD, "host_vars/build-1.yml": text}), tmp_path / "inventory.json"
    for times, value in enumerate(("192.0.2.1", "192.0.2.2"), start=1):
        monkeypatch.setenv("POINTSMAN_TEST_ADDRESS", value)
        for _ in range(2):
            assert read_folder(folder, "dev", SHOWN, kept).hosts[0].address == value
            assert asked.times == times
    assert json.loads(kept.read_text())["environment"] == ["POINTSMAN_TEST_ADDRESS"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": 1}', '{"key": "", "environment": [], "values": ""}'])
def test_a_broken_cache_is_made_again(tmp_path: Path, text: str) -> None:
    """Whatever a killed run or another version left there."""
    kept = tmp_path / "inventory.json"
    kept.write_text(text)
    assert cache.stored(kept, "wanted") is None


def test_another_ansible_resolves_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it makes of an inventory may be something else."""
    from pointsman.inventory.files import read_files

    files = read_files(written(tmp_path, GOOD), SHOWN)
    before = cache.key(files)
    monkeypatch.setattr(cache, "version", lambda name: "99.0")
    assert cache.key(files) != before


def test_mistakes_are_not_cached(tmp_path: Path) -> None:
    """A refused inventory leaves nothing behind, and is refused again."""
    folder, kept = written(tmp_path / "hosts", {**GOOD, "group_vars/all.yml": "x: 1\n"}), tmp_path / "inventory.json"
    for _ in range(2):
        with pytest.raises(SpecError):
            read_folder(folder, "dev", SHOWN, kept)
    assert not kept.exists()


def test_an_unchanged_inventory_needs_neither_ansible_nor_pydantic(tmp_path: Path) -> None:
    """Their import takes longer than all else that an `up` without changes does with hosts."""
    folder, kept = written(tmp_path / "hosts", GOOD), tmp_path / "inventory.json"
    read_folder(folder, "dev", SHOWN, kept)
    code = (
        "import sys\nfrom pathlib import Path\nfrom pointsman.inventory import read_folder\n"
        f"print(len(read_folder(Path({str(folder)!r}), 'dev', {SHOWN!r}, Path({str(kept)!r})).hosts))\n"
        "print(sorted({'ansible', 'pydantic', 'yaml', 'subprocess'} & set(sys.modules)))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True
    )
    assert found.stdout == "2\n[]\n"


def _hash_of(monkeypatch: pytest.MonkeyPatch, folder: Path, **values: Any) -> str:
    """The hash of a host with these variables, without starting Ansible."""
    from pointsman.inventory.answers import ResolvedHost

    def answer(requests: list[Request]) -> list[Resolved]:
        groups = ("all", "monitored", "runners", "runners_primary")
        others = ResolvedHost("build-2", ("all", "runners", "runners_secondary"), {"ansible_user": "a"}, (), {})
        return [Resolved((ResolvedHost("build-1", groups, {"ansible_user": "a", **values}, (), {}), others), (), None)]

    monkeypatch.setattr(child, "resolved", answer)
    host: Host = read_folder(folder, "dev", SHOWN).hosts[0]
    return host.hash


def test_the_hash_is_of_what_a_play_makes_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A label changes it; a default that is written out, and the way in, do not."""
    folder = written(tmp_path, GOOD)
    plain = _hash_of(monkeypatch, folder)
    assert _hash_of(monkeypatch, folder, runner_labels=["a"]) != plain
    assert _hash_of(monkeypatch, folder, ansible_port=2222) != plain
    assert _hash_of(monkeypatch, folder, ansible_port=22, runner_mode="persistent") == plain
    assert _hash_of(monkeypatch, folder, ansible_ssh_private_key_file="/home/a/key") == plain


def test_users_settings_of_ansible_have_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One inventory means the same to everyone."""
    (tmp_path / "ansible.cfg").write_text("[defaults]\nhash_behaviour = merge\n[inventory]\nenable_plugins = ini\n")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(tmp_path / "ansible.cfg"))
    monkeypatch.setenv("ANSIBLE_PRECEDENCE", "all_inventory")
    assert read_folder(written(tmp_path / "hosts", GOOD), "dev", SHOWN).hosts[0].user == "ops"


def test_without_ansible_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3, and no traceback of another process."""
    broken = written(
        tmp_path / "broken", {"ansible/__init__.py": "raise ModuleNotFoundError(\"No module named 'ansible'\")\n"}
    )
    monkeypatch.setenv("PYTHONPATH", str(broken))
    monkeypatch.setattr(child, "_SOURCE", SOURCE)
    with pytest.raises(UnreachableError) as caught:
        read_folder(written(tmp_path / "hosts", GOOD), "dev", SHOWN)
    assert "ansible-core is not installed" in caught.value.message


@pytest.mark.parametrize("name", ["nope", "../dev", "Dev", ""])
def test_an_environment_without_inventory(name: str) -> None:
    """Is named, with those that have one; a path is no name."""
    with pytest.raises(UsageError) as caught:
        read_inventory(name)
    assert "dev" in caught.value.remedy


def test_a_folder_without_hosts(tmp_path: Path) -> None:
    """hosts.yml under another name is named; nothing is guessed."""
    with pytest.raises(UsageError, match=r"hosts\.yml is not there; there is: hosts\.yaml"):
        read_folder(written(tmp_path, {"hosts.yaml": HOSTS}), "dev", SHOWN)
