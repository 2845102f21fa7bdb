"""The Collector's config: what enters is bounded, what is declared is used, what leaves is kept until it is taken."""

from __future__ import annotations

from typing import Any

import pytest

from pointsman.services import labels
from pointsman.spec.scalars import size_bytes
from tests.unit.services.cases import CASES, Case, config_of, named

SIGNALS = {"traces", "metrics", "logs"}
WITH = {name: case for name, case in CASES.items() if case.spec.collector.enabled}

every_such_case = pytest.mark.parametrize("case", WITH.values(), ids=WITH.keys())


def config(case: Case) -> dict[str, Any]:
    """The Collector's config, read back."""
    found: dict[str, Any] = config_of(case, "collector", "collector.yml")
    return found


def pipelines(case: Case) -> dict[str, dict[str, list[str]]]:
    """The pipelines by name."""
    found: dict[str, dict[str, list[str]]] = config(case)["service"]["pipelines"]
    return found


@every_such_case
def test_each_signal_has_its_way(case: Case) -> None:
    """Every OTLP signal enters at the same receiver and has a pipeline of its own."""
    assert {name.partition("/")[0] for name in pipelines(case)} == SIGNALS
    assert {name for name, pipeline in pipelines(case).items() if "otlp" in pipeline["receivers"]} == SIGNALS


@every_such_case
def test_memory_is_limited_first_everywhere(case: Case) -> None:
    """A pipeline without the limiter in front takes in what the kernel then ends the process for."""
    for name, pipeline in pipelines(case).items():
        assert pipeline["processors"][0] == "memory_limiter", name
    limiter = config(case)["processors"]["memory_limiter"]
    assert 0 < limiter["spike_limit_percentage"] < limiter["limit_percentage"] < 100


@every_such_case
def test_nothing_is_named_that_is_not_there_nor_there_unused(case: Case) -> None:
    """All that a pipeline names is defined; all that is defined is in a pipeline."""
    found = config(case)
    used: dict[str, set[str]] = {
        kind: {name for pipeline in pipelines(case).values() for name in pipeline[kind]}
        for kind in ("receivers", "processors", "exporters")
    }
    connectors = set(found["connectors"])
    assert used["receivers"] - connectors == set(found["receivers"])
    assert used["exporters"] - connectors == set(found["exporters"])
    assert used["processors"] == set(found["processors"])
    # A connector is the end of one pipeline and the beginning of another.
    assert connectors <= used["receivers"] & used["exporters"]
    assert set(found["service"]["extensions"]) == set(found["extensions"])


@every_such_case
def test_what_is_not_taken_is_kept(case: Case) -> None:
    """Each exporter has a queue on the volume, batches there, and tries until the queue is full."""
    found = config(case)
    service = named(case, "collector")
    for name, exporter in found["exporters"].items():
        queue, retry = exporter["sending_queue"], exporter["retry_on_failure"]
        assert queue["enabled"], name
        assert queue["queue_size"] == case.spec.collector.queue, name
        assert queue["batch"]["flush_timeout"], name
        assert (retry["enabled"], retry["max_elapsed_time"]) == (True, "0s"), name
        storage = found["extensions"][queue["storage"]]
        assert storage["directory"] == service.data, name


@every_such_case
def test_it_listens_where_it_says(case: Case) -> None:
    """Its entries, metrics and health are on the ports that it exposes, open to the network."""
    found, service = config(case), named(case, "collector")
    protocols = found["receivers"]["otlp"]["protocols"]
    reader = found["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
    assert protocols["http"]["endpoint"] == f"0.0.0.0:{service.port('otlp-http').port}"
    assert protocols["grpc"]["endpoint"] == f"0.0.0.0:{service.port('otlp-grpc').port}"
    assert found["extensions"]["health_check"]["endpoint"] == f"0.0.0.0:{service.port('health').port}"
    assert (reader["host"], reader["port"]) == ("0.0.0.0", service.port("metrics").port)


@every_such_case
def test_a_request_is_bounded_on_both_entries(case: Case) -> None:
    """gRPC counts in MiB, HTTP in bytes; both say what the spec says."""
    protocols = config(case)["receivers"]["otlp"]["protocols"]
    most = size_bytes(case.spec.collector.max_request)
    assert protocols["http"]["max_request_body_size"] == most
    assert protocols["grpc"]["max_recv_msg_size_mib"] * 2**20 == most


@every_such_case
def test_each_signal_ends_at_its_store(case: Case) -> None:
    """The addresses of the exporters are those of the services, by name and port."""
    found = {
        signal: [
            config(case)["exporters"].get(name, {}).get("endpoint") for name in pipelines(case)[signal]["exporters"]
        ]
        for signal in SIGNALS
    }
    to_tempo = [named(case, "tempo").address("otlp-grpc")] if case.spec.tempo.enabled else []
    # The connectors make metrics from spans, also where no store takes the spans themselves.
    assert found["traces"] == [*to_tempo, None, None]
    assert found["metrics"] == [f"http://{named(case, 'prometheus').address()}/api/v1/otlp"]
    assert found["logs"] == [f"http://{named(case, 'loki').address()}/otlp"]


@every_such_case
def test_containers_of_others_are_none_of_its_business(case: Case) -> None:
    """The engine tells of every container; kept are those that carry this environment's label, with their service."""
    found = config(case)
    kept = found["receivers"]["docker_stats"]["container_labels_to_metric_labels"]
    assert kept == {labels.ENVIRONMENT: "environment", labels.SERVICE: "service"}
    assert found["receivers"]["docker_stats"]["endpoint"] == f"tcp://{named(case, 'socket-proxy').address()}"
    (condition,) = found["processors"]["filter/own_containers"]["metrics"]["metric"]
    assert condition == f'resource.attributes["environment"] != "{case.environment}"'
    assert "filter/own_containers" in pipelines(case)["metrics/containers"]["processors"]


def test_metrics_from_spans_are_bounded() -> None:
    """Whatever span names applications make up, the series made from them have a limit, and age."""
    connectors = config(CASES["default"])["connectors"]
    assert connectors["spanmetrics"]["aggregation_cardinality_limit"] > 0
    assert connectors["spanmetrics"]["metrics_expiration"]
    assert connectors["spanmetrics"]["exemplars"] == {"enabled": True}
    assert connectors["servicegraph"]["store"]["max_items"] > 0


@pytest.mark.parametrize(("interval", "key"), [("span_metrics_interval", "metrics_flush_interval")])
def test_span_metrics_leave_at_the_spec_s_pace(interval: str, key: str) -> None:
    """Both connectors flush as often as the spec says."""
    full = CASES["full"]
    wanted = getattr(full.spec.collector, interval)
    assert {each[key] for each in config(full)["connectors"].values()} == {wanted}
