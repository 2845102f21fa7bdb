"""The store makes what is missing and nothing else, sees damage, cleans up after itself, and says what it needs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pointsman.builds import Build, BuildError, Store, Workspace
from pointsman.errors import UnreachableError
from tests.unit.builds.doubles import Shown, build, writes


def made_of(store: Store, one: Build) -> str:
    """What a build's file holds."""
    return (store.path(one) / "result").read_text()


def leftovers(store: Store) -> list[Path]:
    """What runs should have deleted."""
    return [path for path in (store.scratch, *(store.root / ".work").glob("*")) if path.exists()]


def test_a_second_run_makes_nothing(store: Store, shown: Shown) -> None:
    """What was built is taken as it is: no step runs, nothing is shown."""
    made: list[str] = []
    one = build(make=lambda workspace: made.append("one"))
    first = store.ensure([one], progress=shown.progress)
    said = len(shown.lines)
    assert store.ensure([one], progress=shown.progress) == first == {"parts/one": store.path(one)}
    assert made == ["one"]
    assert len(shown.lines) == said


def test_path_tells_name_version_and_recipe(store: Store) -> None:
    """Two recipes of one version stand side by side, so that two checkouts share a machine."""
    assert store.path(build()) == store.root / "parts" / "one-1.0-0123456789ab"
    assert store.path(build(recipe="ffffffffffff")) != store.path(build())


@pytest.mark.parametrize("damage", ["truncated", "changed", "deleted", "manifest"])
def test_damage_is_said_and_made_again(store: Store, shown: Shown, damage: str) -> None:
    """A truncated, changed or deleted file, or a torn manifest, is noticed and the build is made anew."""
    one = build(make=writes("whole"))
    result = store.ensure([one], progress=shown.progress)["parts/one"] / "result"
    if damage == "truncated":
        os.truncate(result, 2)
    elif damage == "changed":
        result.write_text("while")
    elif damage == "deleted":
        result.unlink()
    else:
        (result.parent / "manifest.json").write_text('{"name": "par')
    assert store.inspect(one).state == "damaged"
    store.ensure([one], progress=shown.progress)
    assert made_of(store, one) == "whole"
    assert any(line.startswith("parts/one: damaged (") for line in shown.lines)


def test_checksums_find_what_size_and_time_do_not(store: Store, shown: Shown) -> None:
    """A change that keeps size and time is seen when all checksums are asked for; a touched file is no damage."""
    one = build(make=writes("whole"))
    result = store.ensure([one], progress=shown.progress)["parts/one"] / "result"
    stat = result.stat()
    os.utime(result, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))
    assert store.is_built(one)
    result.write_text("while")
    os.utime(result, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert store.is_built(one)
    assert not store.is_built(one, thorough=True)


def test_scratch_is_shared_by_a_run_and_deleted_after_it(store: Store, shown: Shown) -> None:
    """The second build finds what the first left in the shared scratch; afterwards nothing of it is there."""
    seen: list[bool] = []

    def first(workspace: Workspace) -> None:
        (workspace.shared / "module").write_text("downloaded")
        (workspace.scratch / "object").write_text("compiled")

    def second(workspace: Workspace) -> None:
        seen.append((workspace.shared / "module").exists())
        seen.append((workspace.scratch / "object").exists())

    store.ensure([build("a", make=first), build("b", make=second)], progress=shown.progress)
    assert seen == [True, False]
    assert leftovers(store) == []


def test_a_session_keeps_the_scratch_over_several_runs(store: Store, shown: Shown) -> None:
    """Within a session the shared scratch outlives each run; the session's end deletes it."""
    with store.session():
        store.ensure([build("a")], progress=shown.progress)
        assert store.scratch.is_dir()
    assert leftovers(store) == []


def test_a_failing_build_shows_its_last_lines_and_its_log(store: Store, shown: Shown) -> None:
    """The error names build, command and exit code, holds the end of the log and where all of it is; nothing stays."""
    broken = build(
        "parts/broken", make=lambda workspace: workspace.run(["sh", "-c", "seq 30; echo no such header >&2; exit 3"])
    )
    with pytest.raises(BuildError) as caught:
        store.ensure([broken, build("parts/two")], progress=shown.progress)
    assert "parts/broken 1.0 could not be built" in caught.value.message
    assert "exit code 3" in caught.value.message
    assert "no such header" in caught.value.detail
    assert "30" in caught.value.detail.splitlines()
    assert "\n1\n" not in f"\n{caught.value.detail}\n"
    log = store.log(broken)
    assert str(log) in caught.value.remedy
    assert "\n1\n2\n" in log.read_text()
    assert shown.lines[-1].startswith("parts/broken 1.0: failed after")
    assert not store.is_built(broken)
    assert leftovers(store) == []


def test_an_interrupt_keeps_the_scratch_for_the_next_run(store: Store, shown: Shown) -> None:
    """Ctrl-C keeps downloads, so that the next run goes on with them; it still removes the half-made result."""

    def interrupted(workspace: Workspace) -> None:
        (workspace.shared / "module").write_text("downloaded")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.ensure([build("a", make=interrupted)], progress=shown.progress)
    assert leftovers(store) == [store.scratch]
    store.clean()
    assert leftovers(store) == []


def test_a_short_disk_is_said_before_anything_starts(tmp_path: Path, shown: Shown) -> None:
    """The message tells what is needed, what is free and where; no build began."""
    store = Store(tmp_path / "b", tmp_path / "l", tmp_path / "s", free_bytes=lambda _: 1_500_000_000)
    builds = [build("a", scratch_bytes=2_000_000_000), build("b", scratch_bytes=1_000_000_000)]
    with pytest.raises(UnreachableError) as caught:
        store.ensure(builds, progress=shown.progress)
    assert "a, b cannot be built: 3.0 GB" in caught.value.message
    assert "1.5 GB are free" in caught.value.message
    assert "POINTSMAN_CACHE_DIR" in caught.value.remedy
    assert shown.lines == []


def test_what_the_machine_lacks_is_said_before_anything_starts(store: Store, shown: Shown) -> None:
    """The requirement of the last build is asked before the first one is made."""

    def lacking() -> None:
        raise UnreachableError("there is no compiler")

    with pytest.raises(UnreachableError, match="no compiler"):
        store.ensure([build("a"), build("b", require=lacking)], progress=shown.progress)
    assert shown.lines == []


def test_the_next_build_is_fetched_while_this_one_is_made(store: Store, shown: Shown, tmp_path: Path) -> None:
    """The first build waits for a file that only the second one's download writes: they run side by side."""
    flag = tmp_path / "fetched"
    wait = f"for i in $(seq 100); do [ -e {flag} ] && exit 0; sleep 0.05; done; exit 1"
    first = build("a", make=lambda workspace: workspace.run(["sh", "-c", wait]))
    second = build("b", fetch=lambda workspace: workspace.run(["touch", flag]))
    store.ensure([first, second], progress=shown.progress)
    assert store.is_built(second)


def test_a_failed_download_ahead_is_no_failure(store: Store, shown: Shown) -> None:
    """Downloading ahead only saves time: when it fails, the build itself still decides."""
    second = build("b", fetch=lambda workspace: workspace.run(["false"]))
    store.ensure([build("a"), second], progress=shown.progress)
    assert store.is_built(second)


def test_the_manifest_keeps_what_the_making_took(store: Store, shown: Shown) -> None:
    """Elapsed and expected seconds are on record for the next estimate, with a checksum a file."""
    one = build(seconds=12.0)
    data = json.loads((store.ensure([one], progress=shown.progress)["parts/one"] / "manifest.json").read_text())
    assert data["expected_seconds"] == 12.0
    assert data["seconds"] < 5
    assert set(data["files"]) == {"result"}
    assert len(data["files"]["result"]["sha256"]) == 64


def test_a_build_gets_what_it_needs(store: Store, shown: Shown) -> None:
    """The results of needed builds, made now or before, are handed to a build; a need that nobody makes is refused."""
    store.ensure([build("a")], progress=shown.progress)

    def second(workspace: Workspace) -> None:
        (workspace.out / "result").write_text((workspace.needed["a"] / "result").read_text() + " and more")

    needing = build("b", make=second, needs=("a",))
    store.ensure([build("a"), needing], progress=shown.progress)
    assert made_of(store, needing) == "whole and more"
    with pytest.raises(ValueError, match="needs a, which is not among the builds"):
        store.ensure([build("c", needs=("a",))], progress=shown.progress)
