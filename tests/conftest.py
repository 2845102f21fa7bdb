"""How test files are spread over processes by `pytest -n 2 --dist loadfile`."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# Files that share an environment, which takes most of a minute to make, and so a process: each time one for all. A name
# that ends in / is of a whole folder.
SHARING = (
    (
        "deployed/stack/test_estate",
        "deployed/stack/test_bad_signals",
        "deployed/stack/test_refused_configs",
        "deployed/stack/test_verify",
        "deployed/signals/test_alert_report",
        "deployed/signals/test_dashboards",
        "deployed/signals/test_links",
        "deployed/signals/test_run_monitor",
        "deployed/signals/test_threshold_live",
        "deployed/signals/test_walk",
    ),
    ("deployed/hosts/",),
    (
        "deployed/stack/test_idempotence",
        "deployed/stack/test_bad_input",
        "deployed/stack/test_blast_radius",
        "deployed/stack/test_drift",
        "deployed/stack/test_upgrade",
    ),
)
# What takes longest begins first; all else fills the gaps at the end.
LONGEST = (
    "tests/unit/playbooks/test_playbooks.py",
    "tests/unit/monitor/running/test_crash_matrix.py",
    "tests/unit/plays/test_running.py",
    "tests/unit/monitor/handlers/test_archive.py",
    "deployed/hosts/",
    "deployed/stack/test_estate",
    "tests/docs/test_commands.py",
    "deployed/stack/test_idempotence",
    "tests/deployed/stack/test_killed.py",
    "tests/deployed/stack/test_backup.py",
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
    *folders, name = file.with_suffix("").parts[-3:]
    names = {f"{'/'.join(folders)}/", "/".join((*folders, name))}
    return next((shared[0] for shared in SHARING if names.intersection(shared)), str(file))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharingScheduling | None:
    """The scheduler in place of the one that `--dist loadfile` means; any other way of spreading stays as it is."""
    return SharingScheduling(config, log) if config.getvalue("dist") == "loadfile" else None
