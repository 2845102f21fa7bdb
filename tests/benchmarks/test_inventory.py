"""How long an inventory of a thousand hosts takes: by Ansible, and unchanged since the last time.

Printed; no time is asserted. Seconds of the processor are those that a machine with nothing else to do would need.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pointsman.inventory import read_folder
from tests.benchmarks.measuring import show, timed

HOSTS = 1000
COLD_RUNS = 3
WARM_RUNS = 5
SOURCE = Path(__file__).parents[2] / "components"
WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
LABELS = "['deploy', x_site, inventory_hostname_short]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thousand runner hosts, each with a file of its own and four values that Jinja makes."""
    folder = tmp_path_factory.mktemp("thousand")
    half = HOSTS // 2
    names = [f"build-{number:04}.example.org" for number in range(HOSTS)]
    parts = {"runners_primary": names[:half], "runners_secondary": names[half:]}
    lines = ["runners:", "  children:"]
    for part, hosts in parts.items():
        lines += [f"    {part}:", "      hosts:", *(f"        {host}:" for host in hosts)]
    lines += ["monitored:", "  children:", "    runners:", ""]
    (folder / "hosts.yml").write_text("\n".join(lines))
    for name in ("group_vars", "host_vars"):
        (folder / name).mkdir()
    (folder / "group_vars/all.yml").write_text("ansible_user: deploy\nx_site: eu-central\n")
    (folder / "group_vars/runners.yml").write_text(
        f'runner_labels: "{{{{ {LABELS} }}}}"\n'
        'runner_name: "{{ x_site }}-{{ inventory_hostname_short }}"\n'
        'runner_work_folder: "/srv/{{ x_site }}/work"\n'
        'firewall_ssh_from: ["bastion.{{ x_site }}.example.org"]\n'
    )
    for number, name in enumerate(names):
        (folder / f"host_vars/{name}.yml").write_text(f"ansible_port: {1024 + number}\nrunner_min_free: 20GiB\n")
    return folder


def test_a_thousand_hosts(folder: Path, tmp_path: Path) -> None:
    """Cold: files read, Ansible started, all resolved and judged. Warm: files read and compared, hosts from the cache.
    The last row is a process of its own that reads it warm, as `up` does, Python's start included."""
    kept = tmp_path / "inventory.json"

    def cold() -> None:
        kept.unlink(missing_ok=True)
        assert len(read_folder(folder, "dev", "inventory/dev", kept).hosts) == HOSTS

    code = (
        "from pathlib import Path\nfrom pointsman.inventory import read_folder\n"
        f"read_folder(Path({str(folder)!r}), 'dev', 'inventory/dev', Path({str(kept)!r}))\n"
    )

    def whole() -> None:
        subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCE)}, check=True)

    print(f"\n  inventory of {HOSTS} hosts, seconds")
    before = _processor_seconds()
    show("resolved by Ansible and validated", [timed(cold) for _ in range(COLD_RUNS)])
    print(f"    of the processor, a run: {(_processor_seconds() - before) / COLD_RUNS:.2f}")
    ours, ansible = (resource.getrusage(who).ru_maxrss >> 10 for who in WHO)
    show("unchanged", [timed(lambda: read_folder(folder, "dev", "inventory/dev", kept)) for _ in range(WARM_RUNS)])
    show("unchanged, a process of its own", [timed(whole) for _ in range(WARM_RUNS)])
    size = kept.stat().st_size >> 10
    print(f"    memory at most: {ours} MiB here, {ansible} MiB in Ansible's process; cache {size} KiB")


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in WHO]
    return sum(each.ru_utime + each.ru_stime for each in used)
