"""The contract of the stand-in runner, configuring, removing and files: rows `C`, `D`, `F` of `runner/CONTRACT.md`."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from tests.standins.running import FILES, REPOSITORY, Installed

LINE = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ (INFO|ERR |WARN|VERB) \w+\] .*")


def test_c01_configures(runner: Installed) -> None:
    """Registered with all labels, its files written, nothing left that would hold the token."""
    done = runner.config("--name", "one", "--labels", "deploy,deploy-active", "--work", "elsewhere")
    assert done.returncode == 0, done.stderr
    for said in ("√ Connected to GitHub", "√ Runner successfully added", "√ Settings Saved."):
        assert said in done.stdout
    (made,) = runner.standin.app.world.of(REPOSITORY)
    assert [label.name for label in made.labels] == ["self-hosted", "Linux", "X64", "deploy", "deploy-active"]
    settings = json.loads(runner.text(".runner"))
    assert (settings["agentName"], settings["workFolder"], settings["agentId"]) == ("one", "elsewhere", made.id)
    assert settings["gitHubUrl"] == runner.url


def test_c02_without_default_labels(runner: Installed) -> None:
    """Only its own, and never none at all."""
    assert runner.config("--no-default-labels").returncode == 1
    assert runner.config("--no-default-labels", "--labels", "gpu").returncode == 0
    (made,) = runner.standin.app.world.of(REPOSITORY)
    assert made.label_names == {"gpu"}


def test_c03_arguments_by_environment(runner: Installed) -> None:
    """A token need not be in the list of processes; jobs do not see it."""
    token = runner.token()
    given = {"TOKEN": token, "URL": runner.url, "NAME": "by-environment", "EPHEMERAL": "true"}
    done = runner.run(
        "config.sh", "--unattended", **{f"ACTIONS_RUNNER_INPUT_{key}": each for key, each in given.items()}
    )
    assert done.returncode == 0, done.stderr
    (made,) = runner.standin.app.world.of(REPOSITORY)
    assert (made.name, made.ephemeral) == ("by-environment", True)
    job = runner.queue("env", "self-hosted")
    with runner.listening(ACTIONS_RUNNER_INPUT_TOKEN=token) as started:
        runner.finished(job)
        started.ends()
    assert "GITHUB_REPOSITORY=acme/app" in job.log
    assert "ACTIONS_RUNNER_INPUT" not in job.log


@pytest.mark.parametrize("missing", ["url", "token"])
def test_c04_what_is_missing(missing: str, runner: Installed) -> None:
    """Named, since nobody is there to be asked."""
    given = {"url": runner.url, "token": runner.token()}
    words = [word for name, value in given.items() if name != missing for word in (f"--{name}", value)]
    done = runner.run("config.sh", "--unattended", *words)
    assert done.returncode == 1
    assert f"Invalid configuration provided for {missing}. Terminating unattended configuration." in done.stderr


def test_c05_already_configured(runner: Installed) -> None:
    """`--replace` is looked at too late to help."""
    runner.registered()
    done = runner.config("--replace", "--name", "one")
    assert done.returncode == 1
    assert "Cannot configure the runner because it is already configured." in done.stderr


def test_c06_a_name_that_is_taken(runner: Installed) -> None:
    """Refused, and no files."""
    runner.standin.app.world.enlist(REPOSITORY, "one", [])
    done = runner.config("--name", "one")
    assert done.returncode == 1
    assert "A runner exists with the same name one." in done.stderr
    assert runner.kept == []


def test_c07_replaces(runner: Installed) -> None:
    """The old registration becomes this one."""
    old = runner.standin.app.world.enlist(REPOSITORY, "one", ["old"])
    done = runner.config("--name", "one", "--labels", "new", "--replace")
    assert done.returncode == 0
    assert "√ Successfully replaced the runner" in done.stdout
    (made,) = runner.standin.app.world.of(REPOSITORY)
    assert (made.id, "new" in made.label_names, "old" in made.label_names) == (old.id, True, False)


def test_c08_a_token_that_is_not_good(runner: Installed) -> None:
    """Wrong, or past its hour."""
    token, world = runner.token(), runner.standin.app.world
    world.tokens[token] = ("registration", REPOSITORY, world.now())
    for each in ("WRONG", token, runner.token("remove")):
        done = runner.config(ACTIONS_RUNNER_INPUT_TOKEN=each)
        assert done.returncode == 1
        assert "Http response code: NotFound from 'POST" in done.stderr
        assert each not in done.stdout + done.stderr
    assert runner.kept == []


def test_c09_a_version_that_is_too_old_to_register(runner: Installed) -> None:
    """GitHub refuses it before it knows it."""
    (runner.folder / "bin" / "version").write_text("2.328.0")
    done = runner.config()
    assert done.returncode == 1
    assert "v2.328.0" in done.stderr
    assert runner.known == []


def test_c10_not_as_root(runner: Installed, tmp_path: Path) -> None:
    """Whoever runs this test: `id` says 0."""
    (tmp_path / "id").write_text("#!/bin/sh\necho 0\n")
    (tmp_path / "id").chmod(0o755)
    path = f"{tmp_path}:{runner.environment['PATH']}"
    done = runner.config(RUNNER_ALLOW_RUNASROOT="", PATH=path)
    assert (done.returncode, done.stdout) == (1, "Must not run with sudo\n")
    done = runner.run("run.sh", RUNNER_ALLOW_RUNASROOT="", PATH=path)
    assert done.stdout == "Must not run interactively with sudo\nExiting runner...\n"
    assert runner.config(PATH=path).returncode == 0


def test_c11_an_unknown_argument(runner: Installed) -> None:
    """Named; the rest counts."""
    done = runner.config("--colour", "--name", "one")
    assert done.returncode == 0
    assert "Unrecognized command-line input arguments for command configure: 'colour'" in done.stderr
    assert runner.known == ["one"]


def test_c12_version(runner: Installed) -> None:
    """One line."""
    assert runner.run("bin/Runner.Listener", "--version").stdout == "2.336.0\n"


def test_c13_ephemeral_and_without_updates(runner: Installed) -> None:
    """Both are kept."""
    assert runner.config("--ephemeral", "--disableupdate").returncode == 0
    settings = json.loads(runner.text(".runner"))
    assert (settings["ephemeral"], settings["disableUpdate"]) == (True, True)
    assert runner.standin.app.world.of(REPOSITORY)[0].ephemeral


def test_d01_removes(runner: Installed) -> None:
    """Here and there."""
    runner.registered()
    done = runner.run("config.sh", "remove", "--token", runner.token("remove"))
    assert done.returncode == 0, done.stderr
    assert (runner.kept, runner.known) == ([], [])


def test_d02_a_wrong_token_keeps_everything(runner: Installed) -> None:
    """A registration token is a wrong one too."""
    runner.registered()
    for token in ("WRONG", runner.token()):
        done = runner.run("config.sh", "remove", "--token", token)
        assert done.returncode == 1
        assert "Http response code: NotFound" in done.stderr
    assert (runner.kept, runner.known) == (list(FILES), ["one"])


def test_d03_removes_what_github_has_forgotten(runner: Installed) -> None:
    """The files go, whatever is there."""
    made = runner.registered()
    runner.standin.app.world.dismiss(made)
    done = runner.run("config.sh", "remove", "--token", runner.token("remove"))
    assert done.returncode == 0
    assert "Does not exist. Skipping" in done.stdout
    assert runner.kept == []


def test_d04_removes_locally(runner: Installed) -> None:
    """GitHub goes on believing in it."""
    runner.registered()
    runner.standin.app.faults.add({"kind": "down"})
    assert runner.run("config.sh", "remove", "--local").returncode == 0
    assert (runner.kept, runner.known) == ([], ["one"])


def test_d05_not_under_a_service(runner: Installed) -> None:
    """What would restart it goes first."""
    runner.registered()
    (runner.folder / ".service").write_text("actions.runner.service")
    done = runner.run("config.sh", "remove", "--token", runner.token("remove"))
    assert done.returncode == 1
    assert "Uninstall service first" in done.stderr
    assert runner.kept == list(FILES)


def test_f01_its_files(runner: Installed) -> None:
    """A byte order mark, which plain JSON readers trip over, and a key for the owner alone."""
    token = runner.token()
    assert runner.config("--token", token).returncode == 0
    for name in (".runner", ".credentials"):
        assert (runner.folder / name).read_bytes().startswith(b"\xef\xbb\xbf{")
    assert stat.S_IMODE((runner.folder / ".credentials_rsaparams").stat().st_mode) == 0o600
    written = b"".join(path.read_bytes() for path in runner.folder.rglob("*") if path.is_file())
    assert token.encode() not in written


def test_f02_env_and_path(runner: Installed) -> None:
    """What `.env` says reaches the jobs."""
    assert runner.config("--labels", "deploy", LANG="C.UTF-8").returncode == 0
    assert runner.text(".env") == "LANG=C.UTF-8\n"
    assert runner.text(".path").strip() == runner.environment["PATH"]
    with (runner.folder / ".env").open("a") as file:
        file.write("REGION=north\n\nnothing\n")
    job = runner.queue("echo region $REGION")
    with runner.listening("--once") as started:
        assert started.ends() == 0
    assert job.log == "region north\n"


def test_f03_the_runners_log(runner: Installed) -> None:
    """One file a process, named by its time; errors of the terminal are lines of level ERR."""
    runner.registered()
    runner.config()
    (path,) = (runner.folder / "_diag").iterdir()
    assert re.fullmatch(r"Runner_\d{8}-\d{6}-utc\.log", path.name)
    lines = path.read_text().splitlines()
    assert all(LINE.fullmatch(line) for line in lines), lines
    assert any("ERR  Terminal] WRITE ERROR: Cannot configure the runner" in line for line in lines)
    assert lines[-1].endswith("Runner execution has finished with return code 1")


def test_f04_the_workers_log(runner: Installed) -> None:
    """The job can be found in it by its name and id."""
    runner.registered()
    job = runner.queue("true", name="roll out")
    with runner.listening("--once") as started:
        assert started.ends() == 0
    (path,) = (runner.folder / "_diag").glob("Worker_*")
    assert re.fullmatch(r"Worker_\d{8}-\d{6}-utc\.log", path.name)
    assert '"name": "roll out"' in path.read_text()
    assert f"Job completed. (job: roll out, id: {job.id}, result: Succeeded)" in path.read_text()


def test_f05_no_secret_in_diag(runner: Installed) -> None:
    """Neither the token of the registration nor the credential that came of it."""
    token = runner.token()
    runner.config("--token", token)
    runner.queue("true", "self-hosted")
    with runner.listening("--once") as started:
        started.ends()
    credential = json.loads(runner.text(".credentials_rsaparams"))["d"]
    assert token not in runner.diag("Runner")
    assert credential not in runner.diag("Runner") + runner.diag("Worker")
