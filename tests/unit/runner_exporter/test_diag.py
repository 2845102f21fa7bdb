"""What the exporter reads in the runner program's logs, and how little of them it reads."""

from __future__ import annotations

import os
import time
import tracemalloc
from pathlib import Path

import pytest

from pointsman.runner_exporter.diag import Diag
from pointsman.runner_exporter.following import MOST, TAIL, Follower
from pointsman.runner_exporter.signatures import CLASSES
from tests.standins.github_server.serving import Standin
from tests.standins.running import Installed
from tests.unit.runner_exporter.host import BEGIN, Host
from tests.unit.runner_exporter.test_readings import values

TEN = 1772359200  # 2026-03-01 10:00:00Z
LATER = "Runner_20260301-110000-utc.log"


def at(minute: int, text: str, source: str = "Terminal") -> str:
    """A line of a log, some minutes past ten."""
    return f"[2026-03-01 10:{minute:02}:00Z INFO {source}] {text}"


LISTENING = at(1, "WRITE LINE: 2026-03-01 10:01:00Z: Listening for Jobs")


def ended(minute: int, result: str, name: str = "deploy") -> str:
    """The line of a job that ended."""
    return at(minute, f"WRITE LINE: 2026-03-01 10:{minute:02}:00Z: Job {name} completed with result: {result}")


def seen(diag: Diag) -> dict[str, float]:
    """All that is not 0."""
    return {name: value for name, value in values(diag.read()).items() if value}


LINES = {
    "session_conflict": "WRITE ERROR: A session for this runner already exists.",
    "deprecated": "WRITE ERROR: An error occured: Runner version v2.300.0 is deprecated and cannot receive messages.",
    "registration_deleted": "WRITE ERROR: The runner registration has been deleted from the server",
    "connect_error": "WRITE ERROR: 2026-03-01 10:02:00Z: Runner connect error: refused. Retrying until reconnected.",
    "oauth": "GitHub.Services.OAuth.VssOAuthTokenRequestException: invalid_client",
    "no_space": "System.IO.IOException: No space left on device : '/srv/runner/work/x'",
    "clock_skew": "The local machine's clock may be out of sync with the server time by more than five minutes.",
    "not_configured": "WRITE ERROR: An error occurred: Not configured. Run config.(cmd/sh) to configure the runner.",
    "other": "WRITE ERROR: An error occurred: something new",
}


def test_every_class_has_a_line() -> None:
    """So that the next test proves all of them."""
    assert set(LINES) == set(CLASSES)


@pytest.mark.parametrize("name", LINES)
def test_errors(name: str, host: Host) -> None:
    """Its class is 1 with its time; all others are 0."""
    host.log(BEGIN, LISTENING, at(2, LINES[name]))
    diag = Diag(host.diag)
    assert seen(diag) == {f"diag_error,{name}": 1, f"diag_error_timestamp_seconds,{name}": TEN + 120}
    assert sum(key.startswith("diag_error,") for key in values(diag.read())) == len(CLASSES)


def test_an_error_that_is_over(host: Host) -> None:
    """Reconnected: no class is 1 any more; its time stays. A full disk is over when a job succeeds."""
    diag = Diag(host.diag)
    host.log(BEGIN, at(2, LINES["connect_error"]), at(3, "WRITE LINE: 2026-03-01 10:03:00Z: Runner reconnected."))
    assert seen(diag) == {"diag_error_timestamp_seconds,connect_error": TEN + 120}
    host.log(at(4, LINES["no_space"]), LISTENING)
    assert seen(diag)["diag_error,no_space"] == 1
    host.log(ended(5, "Succeeded"))
    assert "diag_error,no_space" not in seen(diag)


def test_the_cause_stays_before_what_follows_from_it(host: Host) -> None:
    """The program tells the conflict, then that it can't connect, then that it gives up: it is the conflict."""
    host.log(BEGIN, *(at(2, LINES[name]) for name in ("session_conflict", "connect_error", "other")))
    assert seen(Diag(host.diag))["diag_error,session_conflict"] == 1
    host.log(at(3, LINES["oauth"]), at(3, LINES["registration_deleted"]))
    assert seen(Diag(host.diag))["diag_error,registration_deleted"] == 1


def test_a_job_named_like_an_error(host: Host) -> None:
    """Names of jobs are free text: they are no error, and no other result."""
    name = "No space left on device completed with result: Failed"
    host.log(BEGIN, at(2, f"WRITE LINE: 2026-03-01 10:02:00Z: Running job: {name}"), ended(3, "Succeeded", name))
    got = seen(Diag(host.diag))
    assert got == {"last_job_result,succeeded": 1, "last_job_timestamp_seconds": TEN + 180}


def test_jobs_are_counted_from_the_start_on(host: Host) -> None:
    """A counter that took in old jobs again at each start would tell of jobs that never were."""
    host.log(BEGIN, ended(2, "Failed"))
    diag = Diag(host.diag)
    assert "jobs_total,failed" not in seen(diag)
    host.log(ended(3, "Failed"), ended(4, "Canceled"), ended(5, "Abandoned"))
    host.log(BEGIN, ended(6, "Succeeded"), name=LATER)
    got = seen(diag)
    assert {key: value for key, value in got.items() if key.startswith("jobs_total")} == {
        "jobs_total,failed": 1,
        "jobs_total,canceled": 1,
        "jobs_total,other": 1,
        "jobs_total,succeeded": 1,
    }
    assert got["last_job_result,succeeded"] == 1
    assert seen(diag) == got


def test_a_line_that_is_not_written_to_its_end(host: Host) -> None:
    """Is taken in when it is."""
    path = host.log(BEGIN)
    diag = Diag(host.diag)
    assert seen(diag) == {}
    line = at(2, LINES["no_space"])
    with path.open("a") as file:
        file.write(line[:50])
        file.flush()
        assert seen(diag) == {}
        file.write(line[50:] + "\n")
    assert seen(diag)["diag_error,no_space"] == 1


def test_a_full_disk_in_a_job(host: Host) -> None:
    """Is in the worker's log alone."""
    host.log(at(2, LINES["no_space"], "JobRunner"), name="Worker_20260301-100200-utc.log")
    assert seen(Diag(host.diag))["diag_error,no_space"] == 1


def test_no_logs(host: Host) -> None:
    """A runner that never ran has none: that is no failure; a folder that can't be listed is one."""
    assert seen(Diag(host.diag)) == {}
    assert seen(Diag(host.root / "none")) == {}
    with pytest.raises(NotADirectoryError):
        list(Follower(host.log(BEGIN), "Runner").new())


@pytest.mark.parametrize("how", ["link", "pipe"])
def test_what_a_job_could_leave_there(how: str, host: Host, tmp_path: Path) -> None:
    """A link to a file that jobs may not read is not followed, a pipe does not hold the exporter up."""
    trap = host.diag / LATER
    if how == "link":
        (tmp_path / "private").write_text(at(2, LINES["no_space"]) + "\n")
        trap.symlink_to(tmp_path / "private")
    else:
        os.mkfifo(trap)
    with pytest.raises(OSError, match=r"Too many levels of symbolic links|is no regular file"):
        Diag(host.diag).read()


def test_a_log_of_50_megabytes(host: Host) -> None:
    """Version from its head, errors from its tail; in little time and memory, and nothing again that was read."""
    filler = (at(0, "x" * 900, "Filler") + "\n").encode()
    path = host.log(BEGIN)
    with path.open("ab") as file:
        while file.tell() < 50_000_000:
            file.write(filler * 1000)
    host.log(ended(8, "Succeeded"), at(9, LINES["no_space"]))
    diag = Diag(host.diag)
    begun = time.monotonic()
    seen(Diag(host.diag))
    assert time.monotonic() - begun < 0.5
    tracemalloc.start()
    got = seen(diag)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert got["diag_error,no_space"] == got["last_job_result,succeeded"] == 1
    assert diag.version == "2.335.0"
    assert peak < 8 * TAIL
    with path.open("ab") as file:
        file.write(filler * (3 * MOST // len(filler)))
    host.log(ended(10, "Failed"))
    assert seen(diag)["jobs_total,failed"] == 1
    begun = time.monotonic()
    assert seen(diag)["jobs_total,failed"] == 1
    assert time.monotonic() - begun < 0.2


def test_a_log_that_was_cut_and_one_that_took_its_place(host: Host) -> None:
    """Are read from their beginning."""
    path = host.log(BEGIN, *(at(1, "x" * 100, "Filler") for _ in range(10)))
    diag = Diag(host.diag)
    diag.read()
    path.write_text(at(2, LINES["oauth"]) + "\n")
    assert seen(diag)["diag_error,oauth"] == 1
    path.unlink()
    host.log(*(at(3, LINES["registration_deleted"]) for _ in range(5)))
    assert seen(diag)["diag_error,registration_deleted"] == 1


def test_the_logs_of_the_runner_program(tmp_path: Path) -> None:
    """Version, a job that succeeds, one that fails, a registration that was deleted: as the program logs them."""
    with Standin() as standin:
        runner = Installed.at(tmp_path / "runner", standin)
        enlisted = runner.registered()
        diag = Diag(runner.folder / "_diag")
        with runner.listening() as started:
            started.says("Listening for Jobs")
            diag.read()
            for script in ("true", "false"):
                runner.finished(runner.queue(script))
            started.says("completed with result: Failed")
            got = seen(diag)
            assert (got["jobs_total,succeeded"], got["jobs_total,failed"]) == (1, 1)
            assert "diag_error,other" not in got
            assert diag.version == "2.336.0"
            standin.app.world.dismiss(enlisted)
            started.ends()
        assert seen(diag)["diag_error,registration_deleted"] == 1
