"""How signals flow: what is drawn is what the configs say."""

from __future__ import annotations

import re

import pytest

from pointsman.services import blackbox, grafana
from pointsman.services.estate import compose
from pointsman.services.flows import CONTAINERS, Signal, Stage, Topology, topology
from pointsman.services.model import Service
from pointsman.spec.reader import parse
from tests.unit.services.cases import CASES, MACHINE, Case, every_case

FULL = CASES["full"]


def of(case: Case) -> Topology:
    """The topology of a case."""
    return topology(case.estate, case.spec)


def mentioned(case: Case) -> set[frozenset[str]]:
    """The pairs of services of which one's command or config names the other's address."""

    def text(service: Service) -> str:
        return "\n".join((*service.command, *(service.config.files.values() if service.config else ())))

    return {
        frozenset((one.name, other.name))
        for one in case.estate.services
        for other in case.estate.services
        for exposed in other.exposed
        if one.name != other.name and re.search(rf"(?<![\w.-]){re.escape(other.name)}:{exposed.port}\b", text(one))
    }


@every_case
def test_flows_are_what_the_configs_say(case: Case) -> None:
    """Two services are joined by a flow exactly when one of them is configured with the address of the other.

    Prometheus names itself as localhost; a service without metrics is only asked whether it is ready.
    """
    silent = {service.name for service in case.estate.services if service.metrics is None and service.ready}
    names = {service.name for service in case.estate.services}
    drawn = {frozenset((flow.source, flow.to)) for flow in of(case).flows if {flow.source, flow.to} <= names}
    probed = {frozenset((name, "prometheus")) for name in silent - {"grafana", "board"}}
    assert {pair for pair in drawn if len(pair) == 2} == mentioned(case) - probed


@every_case
def test_every_service_has_its_place(case: Case) -> None:
    """None is left out, none stands alone, and every flow leads from one place to another."""
    found = of(case)
    names = {place.name for place in found.places}
    assert {service.name for service in case.estate.services} <= names
    assert {name for flow in found.flows for name in (flow.source, flow.to)} == names


@every_case
def test_signals_go_forward(case: Case) -> None:
    """From the sources on, never back; only what a service tells of itself may come from behind its store."""
    found = of(case)
    stage = {place.name: list(Stage).index(place.stage) for place in found.places}
    assert [flow for flow in found.flows if not flow.own and stage[flow.source] >= stage[flow.to]] == []


def test_what_the_spec_adds_is_a_place() -> None:
    """Receivers, stores elsewhere, scrape targets and probes, each by the spec's own words."""
    notes = {place.title or place.name: place.note for place in of(FULL).places}
    assert notes["on-call"] == "receiver: critical"
    assert notes["remote store"] == "store.example.org"
    assert notes["scrape targets"] == "builds, routers"
    assert notes["addresses"] == "probed: the stack itself, sites, databases"


def test_a_receiver_named_like_a_service_is_a_place_of_its_own() -> None:
    """Names of receivers are free."""
    spec = parse("alertmanager: {receivers: [{name: loki, url: 'http://a.example.org/'}]}", "stacks/dev.yaml")
    found = topology(compose("dev", spec, "alloy", MACHINE), spec)
    assert [place.title for place in found.places if place.name == "receiver loki"] == ["loki"]


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("{collector: {enabled: false}, tempo: {enabled: false}}", "applications"),
        ("exporters: {node: {enabled: false}}", "machine"),
        ("exporters: {pushgateway: {enabled: false}}", "batch jobs"),
    ],
)
def test_what_is_left_out_takes_its_sources_along(text: str, gone: str) -> None:
    """A source that nothing takes from is not there; without the Collector nobody asks for containers' metrics."""
    spec = parse(text, "stacks/dev.yaml")
    found = topology(compose("dev", spec, "alloy", MACHINE), spec)
    assert gone not in {place.name for place in found.places}
    metrics = [flow for flow in found.flows if flow.source == CONTAINERS and flow.signal is Signal.METRICS]
    assert bool(metrics) is spec.collector.enabled


def test_what_exporters_bring_is_about_others() -> None:
    """A picture may leave out what services tell of themselves, and nothing else."""
    found = of(CASES["default"])
    assert grafana.NAME not in {flow.source for flow in found.flows}
    own = {flow.source for flow in found.flows if flow.own}
    assert blackbox.NAME not in own
    assert {"loki", "prometheus", "collector"} <= own
