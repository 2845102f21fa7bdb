"""Registry failures are told apart by what Docker engines really say, each with its own next step."""

from __future__ import annotations

import pytest

from pointsman.images.failures import classify

MESSAGES = [
    ("unreachable", 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host'),
    ("unreachable", 'Get "http://127.0.0.1:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused'),
    ("unreachable", "net/http: request canceled while waiting for connection (Client.Timeout exceeded)"),
    ("unreachable", 'Get "https://r.example.org/v2/": x509: certificate signed by unknown authority'),
    ("unreachable", "received unexpected HTTP status: 503 Service Unavailable"),
    ("missing", "manifest for prom/prometheus:v9 not found: manifest unknown: manifest unknown"),
    ("missing", "no matching manifest for linux/arm64/v8 in the manifest list entries"),
    ("authentication", "pull access denied for a/b, repository does not exist or may require 'docker login': denied"),
    ("authentication", "Head https://r.example.org/v2/a/manifests/1: no basic auth credentials"),
    ("limit", "toomanyrequests: You have reached your pull rate limit. https://www.docker.com/increase-rate-limit"),
    ("disk", "failed to register layer: write /usr/bin/loki: no space left on device"),
    ("other", "something nobody has seen before"),
]


@pytest.mark.parametrize(("kind", "message"), MESSAGES)
def test_kind_of_a_message(kind: str, message: str) -> None:
    """The kind is right, and the message names the image and what the engine said."""
    failure = classify("r.example.org/a/b:1", message)
    assert failure.kind == kind
    assert "r.example.org/a/b:1" in str(failure)
    assert message in str(failure)
    assert failure.remedy


def test_next_steps_name_the_registry() -> None:
    """Who lacks a login is told for which host."""
    assert "docker login r.example.org:5000" in classify("r.example.org:5000/a:1", "unauthorized").remedy
