"""The contract of the stand-in runner, what it does: the rows `R` of `runner/CONTRACT.md`, by number."""

from __future__ import annotations

import os
import re
import shutil
import signal
from pathlib import Path

import pytest

from pointsman.github import Scope, Secret, connect
from tests.standins.github_server.access import Grant
from tests.standins.github_server.faults import Fault
from tests.standins.running import FILES, Installed, until


def test_r01_listens(runner: Installed) -> None:
    """GitHub sees it online while it does, and offline at once when it is stopped."""
    made = runner.registered()
    world = runner.standin.app.world
    with runner.listening() as started:
        started.says("Listening for Jobs")
        assert "√ Connected to GitHub" in started.text
        assert "Current runner version: '2.336.0'" in started.text
        assert world.status(made) == "online"
        started.process.send_signal(signal.SIGINT)
        assert started.ends() == 0
        assert "Exiting..." in started.text
    assert world.status(made) == "offline"


def test_r02_runs_a_job(runner: Installed) -> None:
    """In the work folder, with what a job knows of itself; its log comes back."""
    runner.registered("deploy", "primary")
    job = runner.queue('echo "$GITHUB_JOB on $RUNNER_NAME in $PWD"', "deploy", "PRIMARY", name="roll out")
    with runner.listening() as started:
        assert runner.finished(job) == "success"
        started.says("Job roll out completed with result: Succeeded")
        assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ: Running job: roll out", started.text)
    assert job.log == f"roll out on one in {runner.folder}/_work/app/app\n"
    assert job.steps == (("roll out", "success"),)
    assert list((runner.folder / "_work" / "_temp").iterdir()) == []


def test_r03_a_job_that_fails(runner: Installed) -> None:
    """The first command that fails ends it, and the next job runs."""
    runner.registered()
    first, second = runner.queue("echo one; false; echo two"), runner.queue("true")
    with runner.listening() as started:
        assert (runner.finished(first), runner.finished(second)) == ("failure", "success")
        started.says("completed with result: Failed")
    assert first.log == "one\n"


def test_r04_a_cancelled_job(runner: Installed) -> None:
    """Its processes are interrupted; the runner is free again."""
    made = runner.registered()
    job, world = runner.queue("echo begun > begun; sleep 60"), runner.standin.app.world
    with runner.listening() as started:
        until((runner.folder / "_work/app/app/begun").exists, "the job's begin")
        world.cancel(world.runs[job.run_id])
        assert runner.finished(job) == "cancelled"
        started.says("completed with result: Canceled")
        assert made.job_id is None


def test_r05_ephemeral(runner: Installed) -> None:
    """One job and no second, and no trace on GitHub or here."""
    runner.registered(ephemeral=True)
    first, second = runner.queue("true"), runner.queue("true")
    with runner.listening() as started:
        assert started.ends() == 0
    assert (first.conclusion, second.status) == ("success", "queued")
    assert (runner.known, runner.kept) == ([], [])


def test_r06_made_in_advance(runner: Installed) -> None:
    """By the client of Pointsman, over the published API."""
    token = "ghp_" + "notARealToken0" * 3
    runner.standin.app.access.grants[token] = Grant()
    with connect(Scope.parse(runner.url), Secret(token)) as github:
        made = github.runners.jit("jit", ["deploy"])
    job = runner.queue("true")
    with runner.listening("--jitconfig", made.config.reveal()) as started:
        assert started.ends() == 0
    assert (job.conclusion, job.runner_name, runner.known) == ("success", "jit", [])
    assert made.config.reveal() not in runner.diag("Runner")


def test_r07_once(runner: Installed) -> None:
    """It may be started again."""
    runner.registered()
    runner.queue("true")
    with runner.listening("--once") as started:
        assert started.ends() == 0
    assert (runner.known, runner.kept) == (["one"], list(FILES))


def test_r08_not_configured(runner: Installed) -> None:
    """Nothing to run."""
    done = runner.run("bin/Runner.Listener", "run")
    assert done.returncode == 1
    assert "Not configured" in done.stderr


def test_r09_session_conflict(runner: Installed) -> None:
    """Another process of the same registration listens: nine tries, then 5."""
    made = runner.registered()
    twin = Installed(runner.folder.with_name("twin"), runner.standin, runner.environment)
    shutil.copytree(runner.folder, twin.folder)
    with runner.listening() as first:
        first.says("Listening for Jobs")
        with twin.listening() as second:
            assert second.ends() == 5
            assert second.text.count("A session for this runner already exists.") == 9
            assert "Runner connect error" in second.text
            assert "Stop retry on SessionConflictException after retried for 240 seconds." in second.text
        assert runner.standin.app.world.status(made) == "online"
    assert "A session for this runner already exists." in twin.diag("Runner")


@pytest.mark.parametrize("when", ["before", "while it listens"])
def test_r10_deleted(when: str, runner: Installed) -> None:
    """It says so and does not try again."""
    made = runner.registered()
    if when == "before":
        runner.standin.app.world.dismiss(made)
    with runner.listening() as started:
        if when != "before":
            started.says("Listening for Jobs")
            runner.standin.app.world.dismiss(made)
        assert started.ends() == 1
    assert "The runner registration has been deleted from the server" in started.text
    assert "registration has been deleted from the server" in runner.diag("Runner")


@pytest.mark.parametrize(("asked", "code"), [("", 1), ("1", 7)])
def test_r11_deprecated(asked: str, code: int, runner: Installed) -> None:
    """It connects, and learns it at its first message."""
    runner.registered()
    runner.standin.app.world.settings.message_version = "2.340.0"
    with runner.listening(ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE=asked) as started:
        assert started.ends() == code
    assert "An error occured: Runner version v2.336.0 is deprecated and cannot receive messages." in started.text


def test_r12_github_is_down(runner: Installed) -> None:
    """Told once, however often it is tried; the job that waits is run when GitHub is back."""
    runner.registered()
    fault = Fault("down", path="/_runner")
    runner.standin.app.world.settings.offline_after = 1  # so that it polls each half second
    with runner.listening() as started:
        started.says("Listening for Jobs")
        runner.standin.app.faults.set.append(fault)
        until(lambda: fault.struck > 3, "a few tries")
        job = runner.queue("true")
        runner.standin.app.faults.set.clear()
        assert runner.finished(job) == "success"
        started.says("Runner reconnected.")
    assert started.text.count("Runner connect error") == 1
    assert "Runner connect error" in runner.diag("Runner")


@pytest.mark.parametrize(("hook", "conclusion", "said"), [("true", "success", "1 2 3 "), ("false", "failure", "1 3 ")])
def test_r13_hooks(hook: str, conclusion: str, said: str, runner: Installed, tmp_path: Path) -> None:
    """Before and after; the second one runs in any case."""
    runner.registered()
    (tmp_path / "started.sh").write_text(f'printf "1 "; {hook}')
    (tmp_path / "completed.sh").write_text('printf "3 "')
    (runner.folder / ".env").write_text(f"ACTIONS_RUNNER_HOOK_JOB_STARTED={tmp_path}/started.sh\n")
    job = runner.queue('printf "2 "')
    with runner.listening("--once", ACTIONS_RUNNER_HOOK_JOB_COMPLETED=f"{tmp_path}/completed.sh") as started:
        assert started.ends() == 0
    assert (job.conclusion, job.log) == (conclusion, said)
    assert job.steps[0][0] == "Set up runner"
    assert job.steps[-1] == ("Complete runner", "success")


def test_r14_files_that_cannot_be_read(runner: Installed) -> None:
    """The service host is to try again."""
    runner.registered()
    (runner.folder / ".credentials").write_text('{"scheme": ')
    done = runner.run("bin/Runner.Listener", "run")
    assert done.returncode == 2
    assert "An error occurred: " in done.stderr


def test_r15_names_of_processes(runner: Installed) -> None:
    """By which a host tells whether a job runs."""
    runner.registered()
    runner.queue("sleep 60")
    with runner.listening() as started:
        until(lambda: "Runner.Worker" in _children(started.process.pid), "a worker")
        assert Path(f"/proc/{started.process.pid}/comm").read_text() == "Runner.Listener\n"
        started.process.send_signal(signal.SIGINT)
        started.ends()


def _children(pid: int) -> list[str]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [path.read_text().strip() for child in found if (path := Path(f"/proc/{child}/comm")).exists()]


def test_r16_stopped_while_a_job_runs(runner: Installed) -> None:
    """The job does not go on alone."""
    runner.registered()
    job = runner.queue("echo $$ > pid; exec sleep 60")
    with runner.listening() as started:
        until((pid := runner.folder / "_work/app/app/pid").exists, "the job's begin")
        until(pid.read_text, "the job's process id")
        started.process.send_signal(signal.SIGTERM)
        assert started.ends() == 0
    assert job.conclusion == "cancelled"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.parametrize(
    ("code", "asked", "helper", "said"),
    [
        (0, "", 0, "0 return code"),
        (1, "", 0, "terminated error"),
        (2, "", 2, "retryable error"),
        (5, "", 0, "Session Conflict"),
        (7, "1", 7, "deprecated version exit code: 7"),
        (7, "", 0, "unknown error code: 7"),
        (42, "", 0, "unknown error code: 42"),
    ],
)
def test_r17_exit_codes(code: int, asked: str, helper: int, said: str, runner: Installed) -> None:
    """Of the helper; run.sh itself ends with 0 after any but 2, which it runs again."""
    listener = runner.folder / "bin" / "Runner.Listener"
    # The first time that code, then 0, or run.sh would never end.
    listener.write_text(f'#!/bin/sh\n[ -e "$0.ran" ] && exit 0\ntouch "$0.ran"\nexit {code}\n')
    given = {"ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE": asked}
    done = runner.run("run-helper.sh.template", **given)
    assert done.returncode == helper
    assert said in done.stdout
    (runner.folder / "bin" / "Runner.Listener.ran").unlink()
    whole = runner.run("run.sh", **given)
    assert whole.returncode == 0
    assert ("Restarting runner..." in whole.stdout) == (helper == 2)
    assert whole.stdout.endswith("Exiting runner...\n")


def test_r18_run_sh_under_a_service(runner: Installed) -> None:
    """Without the switch a signal would end the shell alone, and the listener would go on."""
    made = runner.registered()
    with runner.listening(program="run.sh", RUNNER_MANUALLY_TRAP_SIG="1") as started:
        started.says("Listening for Jobs")
        started.process.send_signal(signal.SIGTERM)
        assert started.ends() == 0
    assert started.text.endswith("Exiting runner...\n")
    assert runner.standin.app.world.status(made) == "offline"
