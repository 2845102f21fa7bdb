"""The JSON Schema says what the reader says, as far as JSON Schema can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from pointsman.spec.mistakes import SpecError
from pointsman.spec.models import Environment
from pointsman.spec.reader import parse
from pointsman.spec.render import resolved_yaml
from pointsman.spec.schema import json_schema, schema_at, schema_text

PUBLISHED = Path(__file__).parents[3] / "docs/reference/spec.schema.json"
VALIDATOR = Draft202012Validator(json_schema(), format_checker=FormatChecker(formats=["ipv4"]))

GOOD = (
    "{}",
    resolved_yaml(Environment()),
    "images: {source: packages, registry: null}",
    "images: {registry: mirror.example.org:5000/a}",
    "ports: {loki: 65535}",
    "network: {bind: 0.0.0.0}",
    "loki: {retention: 1w2d12h}",
    "loki: {resources: {memory: 1 GiB, cpus: 2}}",
    "prometheus: {scrape_timeout: 1500ms, external_labels: {_a: x}}",
    "prometheus: {extra_targets: [{job: a, targets: ['b-1.c:65535'], labels: {t: ''}}]}",
    "prometheus: {remote_write: [{url: 'https://a.b:1/c?d=e'}], sample_limit: 0}",
    "target: docker",
    "alerts: {disk_free: 0.5}",
    "alertmanager: {receivers: [{name: a-1, url: 'http://a', severities: [info]}]}",
    "alertmanager: {receivers: [{kind: slack, name: a, webhook_url: {environment: A}, channel: '#a'}]}",
    "alertmanager: {receivers: [{kind: email, name: a, to: a@b, sender: c@d, smarthost: 'e:25', require_tls: false}]}",
    "alertmanager: {receivers: [{kind: webhook, name: a, url: 'http://a'}], routes: [{receiver: a, owners: [b]}]}",
    "alertmanager: {mute_times: [{name: a, weekdays: [sunday], hours: [{begin: '00:00', end: '24:00'}]}]}",
    "tempo: {retention: 1h}",
    "collector: {max_request: 128 MiB, queue: 10}",
    "exporters: {node: {enabled: no}, blackbox: {probes: [{job: a, targets: ['http://b', 'c:1']}]}}",
)
BAD = (
    "[]",
    "null",
    "text",
    "unknown: 1",
    "prometheus: null",
    "prometheus: {retenton: {}}",
    "ports: {loki: 0}",
    "ports: {loki: 65536}",
    "ports: {loki: '3100'}",
    "ports: {loki: 3100.5}",
    "ports: {loki: true}",
    "network: {bind: localhost}",
    "network: {bind: 10}",
    "network: {bind: 127.0.0.256}",
    "images: {source: auto2}",
    "images: {registry: 'https://a'}",
    "loki: {retention: 7}",
    "loki: {retention: -1d}",
    "loki: {retention: 1h1d}",
    "loki: {retention: ''}",
    "loki: {retention: ٧d}",
    "prometheus: {extra_targets: [{job: a}]}",
    "loki: {resources: {memory: 1GB}}",
    "loki: {resources: {memory: 1GiB, cpus: 0}}",
    "loki: {resources: {memory: 1GiB, cpus: 65}}",
    "container_logs: {max_files: 21}",
    "prometheus: {external_labels: {a-b: x}}",
    "prometheus: {external_labels: {a: 1}}",
    "prometheus: {extra_targets: {}}",
    "prometheus: {extra_targets: [{job: a}]}",
    "prometheus: {extra_targets: [{job: a, targets: []}]}",
    "prometheus: {extra_targets: [{job: A, targets: ['b:1']}]}",
    "prometheus: {extra_targets: [{job: a, targets: ['b:0']}]}",
    "prometheus: {extra_targets: [{job: a, targets: ['b:65536']}]}",
    "exporters: {node: {enabled: 'true'}}",
    "target: kubernetes",
    "alerts: {disk_free: 0}",
    "alerts: {disk_free: 1}",
    "prometheus: {sample_limit: -1}",
    "prometheus: {remote_write: [{}]}",
    "prometheus: {remote_write: [{url: 'ftp://a'}]}",
    "prometheus: {remote_write: [{url: 'https://me:pw@a'}]}",
    "alertmanager: {receivers: [{name: A, url: 'http://a'}]}",
    "alertmanager: {receivers: [{name: a, url: 'http://a', severities: []}]}",
    "alertmanager: {receivers: [{name: a, url: 'http://a', severities: [none]}]}",
    "alertmanager: {receivers: [{kind: slack, name: a, url: 'http://a'}]}",
    "alertmanager: {receivers: [{kind: pigeon, name: a, url: 'http://a'}]}",
    "alertmanager: {receivers: [{kind: github_issue, name: a, repository: a, token: {file: /a}}]}",
    "alertmanager: {routes: [{receiver: a, matchers: ['a=b']}]}",
    "alertmanager: {mute_times: [{name: a, hours: [{begin: '25:00', end: '26:00'}]}]}",
    "collector: {queue: 9}",
    "exporters: {blackbox: {probes: [{job: a, targets: []}]}}",
    "exporters: {blackbox: {probes: [{job: a, targets: ['b']}]}}",
    "exporters: {blackbox: {probes: [{job: a, module: icmp, targets: ['b:1']}]}}",
)
ONLY_THE_READER_KNOWS = (
    "alertmanager: {routes: [{receiver: nobody}]}",
    "notifier: {enabled: false}\nalertmanager: {receivers: [{kind: discord, name: a, webhook_url: {file: /a}}]}",
    "ports: {loki: 3100.0}",
    "ports: {loki: 9090}",
    "ports: {loki: 03100}",
    "loki: {retention: 0s}",
    "loki: {retention: 1h}",
    "loki: {retention: 999y}",
    "prometheus: {scrape_timeout: 1m}",
    "tempo: {retention: 59m}",
    "collector: {max_request: 1GiB}",
    "alertmanager: {receivers: [{name: alert-sink, url: 'http://a'}]}",
    "exporters: {blackbox: {enabled: false, probes: [{job: a, targets: ['b:1']}]}}",
)


def is_right(text: str) -> bool:
    """What the reader says."""
    try:
        parse(text, "stacks/dev.yaml")
    except SpecError:
        return False
    return True


def test_the_published_schema_is_the_present_one() -> None:
    """Editors see today's spec."""
    assert PUBLISHED.read_text() == schema_text(), (
        "run: python -m pointsman.spec.schema > docs/reference/spec.schema.json"
    )


def test_the_schema_is_a_schema() -> None:
    """Draft 2020-12, named without a host."""
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "urn:pointsman:spec:1"


@pytest.mark.parametrize("text", GOOD)
def test_good_documents_are_good_to_both(text: str) -> None:
    """No editor underlines what the reader takes."""
    assert is_right(text)
    assert VALIDATOR.is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("text", BAD)
def test_bad_documents_are_bad_to_both(text: str) -> None:
    """An editor underlines what the reader refuses."""
    assert not is_right(text)
    assert not VALIDATOR.is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("text", ONLY_THE_READER_KNOWS)
def test_where_the_schema_says_less(text: str) -> None:
    """The known differences, so that a new one is noticed: the reader is the stricter of the two."""
    assert not is_right(text)
    assert VALIDATOR.is_valid(yaml.safe_load(text))


def undescribed(schema: dict[str, Any], at: tuple[str, ...] = ()) -> Iterator[str]:
    """Keys that an editor cannot explain."""
    for key in schema.get("properties", {}):
        child = schema_at((*at, key)) or {}
        if not child.get("description"):
            yield ".".join((*at, key))
        yield from undescribed(child, (*at, key))
    if items := schema_at((*at, "[]")) if "items" in schema else None:
        yield from undescribed(items, (*at, "[]"))


def test_every_key_is_explained() -> None:
    """An editor has something to show on every key."""
    assert list(undescribed(json_schema())) == []
