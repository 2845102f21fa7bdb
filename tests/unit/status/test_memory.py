"""The working set of a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointsman.status.memory import kernel_working_set, working_set


@pytest.mark.parametrize(
    ("usage", "key"),
    [
        ("memory/docker/abc/memory.usage_in_bytes", "total_inactive_file"),
        ("docker/abc/memory.current", "inactive_file"),
        ("system.slice/docker-abc.scope/memory.current", "inactive_file"),
    ],
)
def test_the_working_set_from_the_kernel(tmp_path: Path, usage: str, key: str) -> None:
    """cgroup v1 and v2; a container that this machine does not run is unknown and not zero."""
    path = tmp_path / usage
    path.parent.mkdir(parents=True)
    path.write_text("1000\n")
    path.with_name("memory.stat").write_text(f"anon 1\n{key} 300\n")
    assert kernel_working_set("abc", tmp_path) == 700
    assert kernel_working_set("other", tmp_path) is None


def test_the_working_set_from_the_engine() -> None:
    """An engine without memory accounting answers with nothing or zeros, which is unknown."""
    assert working_set({"usage": 1000, "stats": {"total_inactive_file": 300}}) == 700
    assert working_set({"usage": 1000, "stats": {"inactive_file": 100}}) == 900
    assert working_set({"usage": 0}) is None
    assert working_set({}) is None
