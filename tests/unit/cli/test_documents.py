"""What `--output json` prints is one document a line, valid by the published schema, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pointsman.backup.restoring import Restored
from pointsman.backup.taking import Copied, Taken
from pointsman.checks import Report
from pointsman.cli import documents
from pointsman.deploy import variables
from pointsman.deploy.events import Run
from tests.unit.backup.archives import manifest, written
from tests.unit.cli.world import BAD, GOOD, IMAGES, NOWHERE, UNKNOWN, checkout, provide, run
from tests.unit.verify.doubles import declared

PUBLISHED = Path(__file__).parents[3] / "docs/reference/documents.schema.json"
VALIDATOR = Draft202012Validator(json.loads(PUBLISHED.read_text()))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout and a state of the test's own."""
    root = checkout(tmp_path / "clone", dev="{}", wrong="ports: {loki: 0}\nlokl: {}\n")
    monkeypatch.setenv("POINTSMAN_ROOT", str(root))
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    monkeypatch.chdir(root)
    return root


def document(*words: str, code: int = 0) -> dict[str, Any]:
    """The one document that a verb prints."""
    result = run(*words, "--output", "json")
    assert result.exit_code == code, result.output
    (line,) = result.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    VALIDATOR.validate(found)
    return found


def test_the_published_schema_is_the_present_one() -> None:
    """Scripts see today's documents, from the file and from the command."""
    renew = "run: python -m pointsman.cli.reference"
    Draft202012Validator.check_schema(documents.json_schema())
    assert json.loads(PUBLISHED.read_text()) == documents.json_schema(), renew
    assert json.loads(run("spec", "schema", "--documents").stdout) == documents.json_schema()


def test_every_document_has_a_name_of_its_own() -> None:
    """A script can tell them apart by one field, and a version by its end."""
    names = [each.model_fields["document"].default for each in documents.DOCUMENTS]
    assert len(set(names)) == len(names)
    assert all(name.startswith("pointsman.") and name.endswith("/1") for name in names)


def test_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes in words, seconds rounded; a failed check makes the document bad and the exit code 1."""
    provide(monkeypatch)
    for verb in ("preflight", "verify"):
        found = document(verb)
        assert (found["document"], found["verb"], found["good"]) == ("pointsman.checks/1", verb, True)
        assert [line["outcome"] for line in found["checks"]] == ["pass", "not verifiable here"]
        assert found["checks"][0]["seconds"] == 0.123
    provide(monkeypatch, report=Report((GOOD, BAD, UNKNOWN)))
    assert document("verify", code=1)["good"] is False


def test_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unknown is null, not zero."""
    provide(monkeypatch)
    found = document("status", code=1)
    running, missing = found["services"]
    assert (running["uptime"], running["memory"]) == (61.5, 2**26)
    assert (missing["uptime"], missing["memory"], missing["state"]) == (None, None, "missing")
    runner, gone = found["hosts"]
    assert (runner["good"], runner["job"], runner["free"], runner["labels"]) == (True, True, 2**30, ["deploy"])
    assert (gone["good"], gone["job"], gone["free"], gone["health"]) == (False, None, None, "no such container")


def test_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text as the service printed it, time in UTC."""
    provide(monkeypatch)
    assert document("logs") == {
        "document": "pointsman.log/1",
        "time": "2026-05-04T12:00:00.123Z",
        "service": "loki",
        "line": 'x="[y]" ü',
    }


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("images", "list"), "images"),
        (("images", "ensure"), "images"),
        (("toolchain", "status"), "toolchain"),
        (("toolchain", "ensure"), "toolchain"),
        (("spec", "check"), "mistakes"),
    ],
)
def test_tables(words: tuple[str, ...], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each verb that ends in rows prints them; progress and findings stay off standard output."""
    provide(monkeypatch)
    found = document(*words)
    assert (found["document"], found["name"]) == ("pointsman.table/1", name)


def test_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was removed, and the data volumes only where that was asked for."""
    provide(monkeypatch)
    variables.stack_file("dev").parent.mkdir(parents=True)
    variables.stack_file("dev").touch()
    found = document("down")
    assert (found["changes"], found["volumes_removed"]) == ({"delete": 20}, [])
    assert document("down", "--volumes")["volumes_removed"] == ["pointsman-dev-loki-data"]


def test_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One document with everything, also kept as summary.json; without a passphrase or any other variable in it."""
    (tmp_path / "state/environments/dev").mkdir(parents=True)
    _pretend_up(monkeypatch, Report((GOOD,)))
    found = document("up")
    assert found["urls"]["loki"] == declared().urls()["loki"]
    assert found["changes"] == {"create": 20}
    assert found["findings"] == [*IMAGES.findings, "a plugin is old"]
    assert set(found["seconds"]) == {"preflight", "toolchain", "images", "pulumi", "verify"}
    assert json.loads((tmp_path / "state/environments/dev/summary.json").read_text()) == found
    _pretend_up(monkeypatch, Report((GOOD, BAD)))
    refused = document("up", code=1)
    assert (refused["document"], refused["exit_code"]) == ("pointsman.error/1", 1)
    assert "nothing was touched" in refused["message"]
    assert BAD.name in refused["detail"]
    assert BAD.remedy in refused["detail"]


def _pretend_up(monkeypatch: pytest.MonkeyPatch, report: Report) -> None:
    class Tools:
        pulumi_version = "3.256.0"

    provide(monkeypatch, report=report)
    module = "pointsman.cli.up"
    monkeypatch.setattr(f"{module}.release_dead_locks", lambda environment: [])
    monkeypatch.setattr(f"{module}.run_preflight", lambda environment, spec: report)
    monkeypatch.setattr(f"{module}.ensure_toolchain", lambda progress: Tools())
    monkeypatch.setattr(f"{module}.ensure_images", lambda environment, spec, progress: IMAGES)
    run_ = Run(changes={"create": 20}, warnings=["a plugin is old"])
    monkeypatch.setattr(f"{module}.stack.up", lambda environment, variables, console: run_)
    monkeypatch.setattr(f"{module}.declared", lambda environment: declared())
    monkeypatch.setattr(f"{module}.run_verify", lambda found, **options: report)


def test_errors() -> None:
    """A script gets the mistakes one by one with their places, and the code that the process ends with."""
    for words in (("spec", "check"), ("preflight",), ("up",), ("images", "list"), ("images", "ensure"), ("status",)):
        found = document(*words, "--env", "wrong", code=2)
        assert (found["document"], found["exit_code"]) == ("pointsman.error/1", 2)
        assert [(each["key"], each["line"]) for each in found["mistakes"]] == [("ports.loki", 1), ("lokl", 2)]
    missing = document("status", "--env", "nowhere", code=2)
    assert missing["mistakes"] == []
    assert "there is: dev, wrong" in missing["remedy"]


def test_backup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file with its size, and how long each service was away."""
    provide(monkeypatch)
    copied = Copied("loki", "pointsman-dev-loki-data", 4096, 1.25)
    taken = Taken(tmp_path / "dev.tar.gz", 2048, (copied,), manifest())
    monkeypatch.setattr("pointsman.backup.taking.take", lambda *arguments: taken)
    found = document("backup", "--to", str(tmp_path))
    assert found["volumes"] == [
        {"service": "loki", "volume": "pointsman-dev-loki-data", "bytes": 4096, "stopped": 1.25}
    ]
    assert (found["file"], found["size"], found["state"]) == (str(tmp_path / "dev.tar.gz"), 2048, False)


def test_restore(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What has the backup's data now, and whether that was proved; a wrong file is an error's document."""
    provide(monkeypatch)
    file = written(tmp_path / "dev.tar.gz")
    restored = Restored(("loki",), was_up=False, findings=("prometheus has no data in the backup: it keeps its own",))
    monkeypatch.setattr("pointsman.backup.restoring.restore", lambda *arguments, **options: restored)
    monkeypatch.setattr("pointsman.cli.backup._proved", lambda estate, console: Report((GOOD, BAD)))
    found = document("restore", str(file))
    assert (found["services"], found["up"], found["good"], found["checks"]) == (["loki"], False, True, [])
    assert (found["taken_from"], found["findings"]) == ("dev", list(restored.findings))
    restored = replace(restored, was_up=True)
    found = document("restore", str(file), code=1)
    assert (found["up"], found["good"], len(found["checks"])) == (True, False, 2)
    refused = document("restore", str(tmp_path / "nothing"), code=2)
    assert "there is no file" in refused["message"]
