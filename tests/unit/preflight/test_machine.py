"""Judgement on disk, memory, images and control groups, from facts alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointsman.checks import Outcome
from pointsman.preflight import disk, images, memory
from pointsman.preflight.cgroup import version
from pointsman.preflight.disk import GIB, MIB, Place
from pointsman.preflight.images import ImageFacts
from pointsman.preflight.memory import MemoryFacts

V1 = """\
tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
"""
HYBRID = V1 + "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n"
V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nsdelegate 0 0\n"


def place(label: str, free: int, needed: int, *, device: int = 1, writable: bool = True) -> Place:
    """A folder of /data."""
    return Place(label, Path("/data") / label, free, needed, device, writable, f"move {label}")


def test_a_short_disk_says_which_and_by_how_much() -> None:
    """The full one is told, what it needs, and what to do about that one only."""
    found = disk.judge([place("docker", 900 * MIB, 2 * GIB, device=1), place("state", 9 * GIB, 200 * MIB, device=2)])
    assert found.outcome is Outcome.FAIL
    assert "900 MiB free in /data/docker" in found.seen
    assert found.expected == "2.0 GiB for docker on the file system of /data/docker"
    assert found.remedy == "free some disk: move docker"


def test_needs_on_one_file_system_add_up() -> None:
    """Room enough for each alone is not room enough for both."""
    each = [place("docker", 5 * GIB, 3 * GIB), place("state", 5 * GIB, 3 * GIB)]
    assert disk.judge(each).outcome is Outcome.FAIL
    apart = [place("docker", 5 * GIB, 3 * GIB, device=1), place("state", 5 * GIB, 3 * GIB, device=2)]
    assert disk.judge(apart).outcome is Outcome.PASS


def test_a_folder_of_somebody_else() -> None:
    """A state directory left behind by a run as root is a fault, however much is free."""
    found = disk.judge([place("state", 9 * GIB, MIB, writable=False)])
    assert found.outcome is Outcome.FAIL
    assert "cannot be written" in found.seen


@pytest.mark.parametrize(
    ("available", "outcome", "words"),
    [
        (2000 * MIB, Outcome.PASS, "2000 MiB available"),
        (900 * MIB, Outcome.PASS, "the kernel may end a container"),
        (200 * MIB, Outcome.FAIL, "200 MiB available"),
    ],
)
def test_memory_against_limits(available: int, outcome: Outcome, words: str) -> None:
    """Limits are not reservations: less than their sum is a remark, too little to start is a fault."""
    found = memory.judge(MemoryFacts(1376 * MIB, 1376 * MIB, 4096 * MIB, available), "stacks/dev.yaml")
    assert found.outcome is outcome
    assert words in found.seen


def test_memory_of_what_runs_already_is_not_asked_for_again() -> None:
    """A full machine whose estate is up can take another `up`; of a machine elsewhere the total counts."""
    assert memory.judge(MemoryFacts(1376 * MIB, 0, 2048 * MIB, 50 * MIB), "f").outcome is Outcome.PASS
    assert "4096 MiB in total" in memory.judge(MemoryFacts(1376 * MIB, 1376 * MIB, 4096 * MIB, None), "f").seen


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("packages", "has the others built in about 8 min: loki (missing), prometheus (unresolved)"),
        ("auto", "in about 8 min if all are built"),
        ("registry", "has the others pulled: loki"),
    ],
)
def test_images_to_come_are_no_fault(source: str, words: str) -> None:
    """What is lacking will be there after `up`; how long that takes is said where it is known."""
    facts = [
        ImageFacts("proxy", "good"),
        ImageFacts("loki", "missing", 240),
        ImageFacts("prometheus", "unresolved", 240),
    ]
    found = images.judge(facts, source)
    assert found.outcome is Outcome.PASS
    assert "1 of 3 are there" in found.seen
    assert words in found.seen


def test_an_image_that_is_left_out_is_not_lacking() -> None:
    """It is counted neither as there nor as to come, and named."""
    facts = [ImageFacts("loki", "good"), ImageFacts("grafana", "left out")]
    assert images.judge(facts, "packages").seen == "1 locked and in Docker; left out: grafana"


@pytest.mark.parametrize(("mounts", "expected"), [(V1, "v1"), (HYBRID, "v1 (hybrid)"), (V2, "v2"), ("", "")])
def test_control_groups(mounts: str, expected: str) -> None:
    """Both versions, and both at once, are told apart by what is mounted."""
    assert version("proc /proc proc rw 0 0\n" + mounts) == expected
