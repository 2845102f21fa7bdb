"""Each reading of the host's exporter: what it makes of what is there, and of what is not."""

from __future__ import annotations

import os
import threading
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from pointsman.metrics_page.families import Family, one
from pointsman.runner_exporter import clock, folders, jobs, service, version
from pointsman.runner_exporter.readings import Readings, Source
from tests.unit.runner_exporter.host import UNIT, Host

DAY = 86400.0


def values(families: list[Family]) -> dict[str, float]:
    """Values by name and labels, without the prefix that all share."""
    return {
        ",".join([family.name.removeprefix("pointsman_runner_"), *sample.labels.values()]): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.parametrize("state", ["active", "inactive", "failed", "activating", "deactivating", "maintenance"])
def test_service(state: str, host: Host) -> None:
    """One state is 1, all others 0; inactive is not active; a state that nobody knows is other."""
    host.systemctl(f"printf 'NRestarts=3\\nActiveState={state}\\n'")
    got = values(service.read(UNIT))
    assert got.pop("service_active") == (state == "active")
    assert got.pop("service_restarts_total") == 3
    assert len(got) == 6
    assert {key for key, value in got.items() if value} == {
        f"service_state,{'other' if state == 'maintenance' else state}"
    }


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'Failed to connect to bus' >&2; exit 1", "Failed to connect to bus"),
        ("echo 'Failed: Transport endpoint is not connected' >&2; exit 1", "install libnss-systemd for DynamicUser"),
        ("true", "no answer"),
        ("exec sleep 60", "no answer within 1.5 s"),
    ],
    ids=["no bus", "account unknown", "silent", "hangs"],
)
def test_service_that_systemd_does_not_tell(script: str, said: str, host: Host) -> None:
    """Fails with the reason, in time."""
    host.systemctl(script)
    with pytest.raises(ValueError, match=said):
        service.read(UNIT)


@pytest.mark.parametrize("group", ["0::/system.slice", "9:name=systemd:/docker/1f/system.slice"], ids=["v2", "v1"])
def test_job(group: str, host: Host) -> None:
    """A worker of the unit counts, since its own start; one of another unit and another process of ours do not."""
    tick = os.sysconf("SC_CLK_TCK")
    host.process(10, "Runner.Listener", UNIT, 1 * tick)
    host.process(11, "Runner.Worker", "other.service", 1 * tick)
    assert values(jobs.read(UNIT, host.proc, now=100.0)) == {"job_running": 0, "job_seconds": 0}
    host.process(12, "Runner.Worker", UNIT, 40 * tick, group)
    assert values(jobs.read("runner.service", host.proc, now=100.0))["job_running"] == 0
    # A process that went while it was looked at.
    (host.proc / "13").mkdir()
    assert values(jobs.read(UNIT, host.proc, now=100.0)) == {"job_running": 1, "job_seconds": 60}


def test_configured(host: Host) -> None:
    """Both files make a registration; a link in the place of one does not."""
    assert values(version.configured(host.program)) == {"configured": 1}
    (host.program / ".credentials").unlink()
    assert values(version.configured(host.program)) == {"configured": 0}
    (host.program / ".credentials").symlink_to("/etc/passwd")
    assert values(version.configured(host.program)) == {"configured": 0}


@pytest.mark.parametrize(
    ("logged", "latest", "released", "expected"),
    [
        (None, "2.336.0", 0.0, {}),
        ("2.335.0", "", None, {"version_info,2.335.0,log": 1}),
        ("2.335.0", "2.335.0", 0.0, {"version_info,2.335.0,log": 1, "version_behind": 0}),
        ("2.99.0", "2.335.0", None, {"version_info,2.99.0,log": 1, "version_behind": 1}),
        (
            "2.335.0",
            "2.336.0",
            0.0,
            {"version_info,2.335.0,log": 1, "version_behind": 1, "version_days_left,settings": 20},
        ),
    ],
    ids=["unknown", "no latest", "the latest", "no day", "behind"],
)
def test_version(
    logged: str | None, latest: str, released: float | None, expected: dict[str, float], host: Host
) -> None:
    """Days are left for a version that has a successor, 30 from its release; what is unknown is not told."""
    assert values(version.read(host.program, logged, latest, released, now=10 * DAY)) == expected


def test_version_of_a_program_that_updated_itself(host: Host) -> None:
    """Its folder's name tells where the log does not."""
    (host.program / "bin.2.336.0").mkdir()
    (host.program / "bin").symlink_to("bin.2.336.0")
    assert values(version.read(host.program, None, "", None)) == {"version_info,2.336.0,folder": 1}


def test_folders(host: Host, tmp_path: Path) -> None:
    """What files take on the disk, below folders too; links lead nowhere; a folder that is not there takes nothing."""
    (host.work / "a" / "b").mkdir(parents=True)
    empty, _ = folders.size(host.work)
    (host.work / "a" / "b" / "file").write_bytes(b"x" * 1_000_000)
    (tmp_path / "elsewhere").write_bytes(b"x" * 5_000_000)
    (host.work / "link").symlink_to(tmp_path)
    taken, whole = folders.size(host.work)
    assert whole
    assert 1_000_000 <= taken - empty < 1_100_000
    got = values(folders.used({"work": host.work, "diag": tmp_path / "none"}, now=5.0))
    assert got == {
        "folder_bytes,work": taken,
        "folder_bytes,diag": 0,
        "folder_complete": 1,
        "folder_timestamp_seconds": 5,
    }


def test_a_folder_with_too_much_in_it(host: Host) -> None:
    """Is counted as far as the bounds go, and said to be so."""
    for number in range(20):
        (host.work / str(number)).write_text("x")
    assert folders.size(host.work, most_files=10)[1] is False
    assert folders.size(host.work, seconds=-1.0)[1] is False


def test_a_folder_that_a_job_closed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is left out and said to be so; the rest is counted. The folder itself must be open."""
    scan = os.scandir

    def closed(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)
    (host.work / "closed").mkdir()
    (host.work / "file").write_bytes(b"x" * 100_000)
    taken, whole = folders.size(host.work)
    assert (taken >= 100_000, whole) == (True, False)
    with pytest.raises(PermissionError):
        folders.size(host.work / "closed")


def test_file_systems(host: Host) -> None:
    """Free and size as the system tells them."""
    told = os.statvfs(host.work)
    got = values(folders.free({"work": host.work}))
    assert got["filesystem_size_bytes,work"] == told.f_blocks * told.f_frsize
    assert 0 < got["filesystem_free_bytes,work"] <= told.f_bfree * told.f_frsize + 2**30


@pytest.mark.parametrize("wrong", [0.0, 240.0, -3600.0])
def test_clock(wrong: float) -> None:
    """The offset is what this clock is ahead, to within the error that is told."""
    truth = iter([1000.2, 1000.6])
    got = values(clock.read("http://x", lambda url: formatdate(1000, usegmt=True), now=lambda: next(truth) + wrong))
    assert got["clock_offset_error_seconds"] == 0.7
    assert abs(got["clock_offset_seconds"] - wrong) <= 0.7


def test_no_clock_without_a_url() -> None:
    """Nothing is asked, nothing told."""
    assert clock.read("") == []


def failing() -> list[Family]:
    """A reading that fails."""
    raise PermissionError("not for you")


def test_a_scrape_is_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    """One that fails and one that hangs are told; the others are there, in time; threads do not pile up."""
    go = threading.Event()
    hanging = Source("hanging", lambda: [one("late", "", 1)] if go.wait(30) else [])
    readings = Readings(
        [Source("good", lambda: [one("good", "", 1)]), Source("failing", failing), hanging], 0.2, " (hint)"
    )
    before = threading.active_count()
    for _ in range(3):
        begun = time.monotonic()
        got = values(readings.families())
        assert time.monotonic() - begun < 0.5
        failed = {key.split(",")[1]: value for key, value in got.items() if "reading_failed" in key}
        assert failed == {"good": 0, "failing": 1, "hanging": 1}
        assert got["good"] == 1
        assert "late" not in got
        assert threading.active_count() - before <= 1
    assert capsys.readouterr().err == "reading failed: failing: PermissionError: not for you (hint)\n"
    go.set()
    time.sleep(0.1)
    assert values(readings.families())["late"] == 1


def test_what_takes_long_is_not_waited_for() -> None:
    """It is missing until it is there, without a failure, and is kept then."""
    go, count = threading.Event(), iter(range(100))
    slow = Source("slow", lambda: [one("slow", "", next(count))] if go.wait(30) else [], keep=60, awaited=False)
    readings = Readings([slow], 5.0)
    first = values(readings.families())
    assert "slow" not in first
    assert first["exporter_reading_failed,slow"] == 0
    go.set()
    time.sleep(0.1)
    assert [values(readings.families())["slow"] for _ in range(3)] == [0, 0, 0]
