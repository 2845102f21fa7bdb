"""The SLOs as Prometheus itself judges them: promtool, out of its image, on small tables of events."""

from __future__ import annotations

from itertools import pairwise

import docker
import pytest

from pointsman.images.model import Resolution
from pointsman.signals import slos
from pointsman.signals.slos import FAST, FORECAST, NO_DATA, SLOW
from pointsman.spec.reader import parse
from tests.deployed import slo_low_volume, slo_standard
from tests.deployed.slo_rules import NEVER, Case, documents, started_with
from tests.deployed.tools import run_tool

CASES = {"standard": slo_standard.cases(), "low volume": slo_low_volume.cases()}
SEQUENCES = {f"{daily} a day": slo_low_volume.sequences(daily) for daily in (0, 1, 5, 20, 50)}
TABLES = CASES | SEQUENCES
# With runner hosts, so that none of the six is left out.
SPEC = parse("runners: {hosts: containers}", "stacks/dev.yaml")


def test_the_rules_are_good(engine: docker.DockerClient, images: Resolution) -> None:
    """Every expression of the six parses, and promtool's linter finds nothing either."""
    files = {f"/rules/{group.name}.yml": group.rendered() for group in slos.groups(SPEC)}
    assert len(files) == 6
    command = ["/bin/promtool", "check", "rules", "--lint=all", "--lint-fatal", *files]
    said = run_tool(engine, images.images["prometheus"], command, files)
    assert said.code == 0, said.text


@pytest.mark.parametrize("table", TABLES)
def test_each_sequence_of_events_has_its_verdict(engine: docker.DockerClient, images: Resolution, table: str) -> None:
    """Each threshold at 0.9 and 1.1 of it, every sequence of the tables, ends, and series that are absent."""
    files = documents(TABLES[table])
    command = ["/bin/promtool", "test", "rules", *started_with(files)]
    said = run_tool(engine, images.images["prometheus"], command, files)
    assert said.code == 0, said.text


@pytest.mark.parametrize("mode", CASES)
def test_every_alert_has_its_cases(mode: str) -> None:
    """In both modes each alert fires and stays quiet, and there are cases that end and some without any series."""
    cases = CASES[mode]
    for alert in (FAST, SLOW, NO_DATA, NEVER, *((FORECAST,) if mode == "standard" else ())):
        looked = [case for case in cases if not case.looked_at or alert in case.looked_at]
        fires = [case for case in looked if any(alert in names for names in case.firing.values())]
        quiet = [case for case in looked if not any(alert in names for names in case.firing.values())]
        assert fires, alert
        assert quiet, alert
    assert any(_ends(case) for case in cases)
    assert any(list(case.series) == ["up"] for case in cases)


def _ends(case: Case) -> bool:
    verdicts = list(case.firing.values())
    return any(before and not after for before, after in pairwise(verdicts))
