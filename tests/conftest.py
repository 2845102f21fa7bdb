"""How test files are spread over processes by `pytest -n 2 --dist loadfile`."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# Files that share an environment, which takes most of a minute to make, and so a process: one for each line.
SHARING = (
    (
        "test_estate",
        "test_alert_report",
        "test_bad_signals",
        "test_dashboards",
        "test_links",
        "test_refused_configs",
        "test_run_monitor",
        "test_threshold_live",
        "test_verify",
        "test_walk",
    ),
    (
        "test_hosts_as_declared",
        "test_hosts_bad_input",
        "test_hosts_dashboard",
        "test_hosts_drift",
        "test_hosts_faults",
        "test_hosts_jobs",
        "test_hosts_lynis",
        "test_hosts_members",
        "test_hosts_traces",
    ),
    ("test_idempotence", "test_bad_input", "test_upgrade", "test_drift", "test_blast_radius"),
)
# What takes longest begins first; all else fills the gaps at the end.
LONGEST = (
    "tests/unit/playbooks/test_playbooks.py",
    "tests/unit/monitor/running/test_crash_matrix.py",
    "tests/unit/plays/test_running.py",
    "tests/unit/monitor/handlers/test_archive.py",
    "test_hosts_as_declared",
    "tests/deployed/test_killed.py",
    "tests/docs/test_commands.py",
    "test_estate",
    "test_idempotence",
    "tests/deployed/test_backup.py",
)


class SharingScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist tells no types
    """Files that share go to one process. Not by marks and `--dist loadgroup`: pytest 9 hides those from xdist 3.8."""

    def _split_scope(self, nodeid: str) -> str:
        return sharing(PurePosixPath(super()._split_scope(nodeid)))

    def _assign_work_unit(self, node: Any) -> None:
        for scope in reversed(LONGEST):
            if scope in self.workqueue:
                self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that share stand together in one process as well: what they share goes with the last of them."""
    first: dict[str, int] = {}
    for place, item in enumerate(items):
        first.setdefault(sharing(item.path), place)
    items.sort(key=lambda item: first[sharing(item.path)])


def sharing(file: PurePath) -> str:
    """The name of the files that a file shares an environment with, its own path where there are none."""
    return next((shared[0] for shared in SHARING if file.stem in shared), str(file))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharingScheduling | None:
    """The scheduler in place of the one that `--dist loadfile` means; any other way of spreading stays as it is."""
    return SharingScheduling(config, log) if config.getvalue("dist") == "loadfile" else None
