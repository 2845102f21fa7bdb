"""The provisioning folder is read as Grafana reads it, and what it would refuse is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pointsman.board.__main__ import main
from pointsman.board.provisioning import load
from pointsman.errors import UsageError
from tests.unit.board.world import FOLDER, LIVE, provisioned


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the fixtures, to be broken."""
    return Path(shutil.copytree(FOLDER, tmp_path / "provisioning"))


def test_sources_folders_and_dashboards() -> None:
    """In the order of the files; the default source is known as such, and by its name too."""
    found = provisioned()
    assert [each.uid for each in found.sources] == ["prometheus", "loki", "tempo", "alertmanager"]
    assert found.folders == ("CommandCenter",)
    assert {board.uid: board.folder for board in found.boards} == {
        "logs-and-traces": "CommandCenter",
        "workflow-overview": "CommandCenter",
    }
    for named in ("", None, "default", "prometheus", "Prometheus"):
        source = found.source(named)
        assert source is not None
        assert source.uid == "prometheus"
    assert found.source("gone") is None


def test_variables_of_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$NAME is filled in, $$ is a dollar: Grafana's rule."""
    monkeypatch.setenv("WHERE", "http://elsewhere:9090")
    text = "datasources: [{name: $$x, type: prometheus, url: $WHERE}, {name: y, type: loki, url: '${WHERE}/a'}]"
    (folder / "datasources" / "datasources.yml").write_text(text)
    assert [(each.name, each.url) for each in load(folder, LIVE).sources] == [
        ("$x", "http://elsewhere:9090"),
        ("y", "http://elsewhere:9090/a"),
    ]


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("datasources/datasources.yml", "a: [", "is no YAML"),
        ("datasources/datasources.yml", "datasources: x", "datasources: expected a list"),
        ("datasources/datasources.yml", "datasources: [{name: x, type: loki}]", "data source 1 (x)"),
        ("datasources/datasources.yml", "datasources: [{name: x, type: loki, url: 'file:///etc'}]", "file:///etc"),
        ("dashboards/dashboards.yml", "[]", "providers: expected a list"),
        ("dashboards/workflow-overview.json", "{", "is no JSON"),
        ("dashboards/workflow-overview.json", "[]", "title"),
        ("dashboards/workflow-overview.json", '{"title": ""}', "title cannot be empty"),
        ("dashboards/workflow-overview.json", '{"title": "x", "uid": "a/b"}', "uid: 'a/b'"),
        (
            "dashboards/workflow-overview.json",
            '{"title": "x", "uid": "logs-and-traces"}',
            "logs-and-traces is there twice",
        ),
        ("dashboards/workflow-overview.json", "[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, file: str, text: str, says: str) -> None:
    """With the file, the key and the value; `--check` says the same and ends with 2."""
    (folder / file).write_text(text)
    with pytest.raises(UsageError) as caught:
        load(folder, LIVE)
    assert says in caught.value.message
    assert main(["--provisioning", str(folder), "--live", LIVE, "--check"]) == 2


def test_check_refuses_what_the_board_cannot_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before a release is put in force: exit code 1, with the dashboard, the panel and the key."""
    words = ["--provisioning", str(folder), "--live", LIVE, "--check"]
    assert main(words) == 0
    file = folder / "dashboards" / "logs-and-traces.json"
    model = json.loads(file.read_text())
    model["panels"][1]["type"] = "nodeGraph"
    file.write_text(json.dumps(model))
    assert main(words) == 1
    assert "logs-and-traces.json: panel 'Failures': type: nodeGraph" in capsys.readouterr().err


def test_the_program_says_so_when_its_port_is_taken(folder: Path) -> None:
    """Exit code 3 and a sentence, no traceback."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = ["--provisioning", str(folder), "--live", LIVE, "--listen", "127.0.0.1", "--port"]
        done = subprocess.run(
            [sys.executable, "-m", "pointsman.board", *words, str(taken.getsockname()[1])],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "components")},
        )
    assert done.returncode == 3
    assert "can't listen" in done.stderr
    assert "Traceback" not in done.stderr
