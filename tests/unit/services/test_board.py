"""The board: in Grafana's place, with Grafana's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointsman.board import __main__ as program
from pointsman.board.provisioning import load
from pointsman.images.catalogue import load as catalogue
from pointsman.services import board, grafana
from pointsman.services.estate import INSTEAD, OPTIONAL, compose
from pointsman.services.model import Service
from pointsman.spec.models import Environment
from tests.unit.services.cases import CASES, MACHINE, config_of, named


def both(spec: Environment) -> tuple[Service, Service]:
    """What shows the dashboards with and without Grafana's image."""
    found = [compose("dev", spec, "promtail", MACHINE, absent).dashboards for absent in (frozenset(), OPTIONAL)]
    assert found[0] is not None
    assert found[1] is not None
    return found[0], found[1]


def test_it_stands_in_with_the_same_files_at_the_same_place() -> None:
    """Byte for byte: what the board shows is what Grafana would get."""
    there, instead = both(Environment())
    assert (there.name, instead.name) == (grafana.NAME, board.NAME)
    assert there.config is not None
    assert instead.config is not None
    assert instead.config.files == there.config.files
    assert instead.config.directory == there.config.directory
    assert instead.exposed == there.exposed
    assert instead.ready == there.ready


def test_there_is_one_of_them_or_none() -> None:
    """Never both on one port; without dashboards neither."""
    for absent in (frozenset[str](), OPTIONAL):
        names = {each.name for each in compose("dev", Environment(), "promtail", MACHINE, absent).services}
        assert len(names & {grafana.NAME, board.NAME}) == 1
    off = Environment.model_validate({"grafana": {"enabled": False}})
    assert compose("dev", off, "promtail", MACHINE, OPTIONAL).dashboards is None


def test_what_stands_in_can_be_built() -> None:
    """It is needed just where a registry is not to be had."""
    for name in INSTEAD.values():
        assert catalogue().service(name).packages is not None


def test_it_reads_what_is_rendered_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The validator's own command line on the release, as it is run before the release is put in force."""
    service = named(CASES["default"], board.NAME)
    assert service.config is not None
    for path, text in service.config.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    words = [word.format(release=tmp_path) for word in service.config.validate]
    assert words[:3] == ["/usr/bin/python3", "-m", "pointsman.board"]
    assert program.main(words[3:]) == 0, capsys.readouterr().err
    sources = config_of(CASES["default"], board.NAME, "datasources/datasources.yml")["datasources"]
    live = service.command[service.command.index("--live") + 1]
    assert [each.uid for each in load(tmp_path, live).sources] == [each["uid"] for each in sources]


def test_the_rule_of_words() -> None:
    """What every check that passes on the board says."""
    assert board.PROVED == "proved on the board, not in Grafana"
