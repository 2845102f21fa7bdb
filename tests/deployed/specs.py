"""What the estates of tests declare: on ports that nobody has."""

from __future__ import annotations

import contextlib
import os
import random
import socket
from typing import Any

from pointsman.spec.models import Ports

Spec = dict[str, Any]

FIRST_PORT, SHARES, SHARE = 20000, 8, 1500
_GIVEN: set[int] = set()


def free_ports(count: int) -> list[int]:
    """Ports of the machine that nobody listens on, each another one, and none twice in a session.

    They are listened on a while after they were found, so each process of a session has ports of its own. All are below
    those that the kernel gives to outgoing connections (from 32768 on Linux): one of those could be taken while a
    container is replaced.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST_PORT + worker % SHARES * SHARE
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(first, first + SHARE)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _GIVEN:
                _GIVEN.add(port)
                found.append(port)
    return found


def small_spec() -> Spec:
    """Metrics and logs only, on free ports, with short intervals, and with values that are nobody's default."""
    off = {"enabled": False}
    whole = whole_spec()
    exporters = {"blackbox": off, "pushgateway": off}
    return whole | {"tempo": off, "collector": off, "alertmanager": off, "grafana": off, "exporters": exporters}


def watching_spec() -> Spec:
    """Every service, and a run monitor on a store in the checkout."""
    store = {"artifacts": ".state/artifacts/{run_id}"}
    return whole_spec() | {"monitor": {"enabled": True, "store": store}}


def every_second(spec: Spec) -> Spec:
    """The same, scraped and judged each second: where it matters how soon a fault is seen."""
    return spec | {
        "prometheus": spec["prometheus"]
        | {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    }


def whole_spec() -> Spec:
    """Every service of the stack, on free ports, with short intervals."""
    keys = tuple(Ports.model_fields)
    return {
        "images": {"source": "packages"},
        "ports": dict(zip(keys, free_ports(len(keys)), strict=True)),
        "container_logs": {"max_size": "2MiB", "max_files": 2},
        "prometheus": {
            # Each second, services of the environments under test took about a quarter of a run's CPU time.
            "scrape_interval": "3s",
            "scrape_timeout": "2s",
            "evaluation_interval": "3s",
            "retention": {"time": "2d", "size": "256MiB"},
        },
        "loki": {"retention": "48h"},
        "tempo": {"retention": "36h"},
        "collector": {"span_metrics_interval": "1s"},
        "alertmanager": {"group_wait": "1s", "group_interval": "5s"},
    }
