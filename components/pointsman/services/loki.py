"""Loki: keeps the logs of every container; a single process on one volume."""

from __future__ import annotations

from typing import Any

from pointsman.services.go_runtime import soft_limit
from pointsman.services.model import Config, Exposed, Probe, RestartInPlace, Retention, Service
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds, size_bytes
from pointsman.yaml_text import yaml_text

NAME = "loki"
PORT = 3100
GRPC_PORT = 9095
CONFIG = "/etc/loki"
DATA = "/loki"
# The resource attributes of OTLP logs that become labels, each known in number by what is deployed.
OTLP_LABELS = ["service.name", "service.namespace", "deployment.environment.name"]


def service(spec: Environment) -> Service:
    """Loki in monolithic mode, ready in under a second: every wait that only a cluster needs is set to zero."""
    memory = size_bytes(spec.loki.resources.memory)
    return Service(
        name=NAME,
        image="loki",
        command=("/usr/bin/loki", f"-config.file={CONFIG}/current/loki.yml"),
        exposed=(Exposed("http", PORT, spec.ports.loki, "ports.loki"),),
        memory=memory,
        cpus=spec.loki.resources.cpus,
        variables=soft_limit(memory),
        ready=Probe("/ready"),
        config=Config(
            directory=CONFIG,
            files={"loki.yml": yaml_text(_config(spec))},
            validate=("/usr/bin/loki", "-verify-config", "-config.file={release}/loki.yml"),
            reload=RestartInPlace(),
        ),
        data=DATA,
        retention=Retention(
            path="/config", key=("limits_config", "retention_period"), time=duration_seconds(spec.loki.retention)
        ),
    )


def _config(spec: Environment) -> dict[str, Any]:
    return {
        "auth_enabled": False,
        "server": {"http_listen_port": PORT, "grpc_listen_port": GRPC_PORT, "log_level": "info"},
        "common": {
            "path_prefix": DATA,
            "replication_factor": 1,
            "instance_addr": "127.0.0.1",
            "ring": {"kvstore": {"store": "inmemory"}},
            "storage": {"filesystem": {"chunks_directory": f"{DATA}/chunks", "rules_directory": f"{DATA}/rules"}},
        },
        # Measured: ready after 0.4 s with these, after 16 s with the defaults, which wait for ring members that a
        # single process does not have.
        "ingester": {"lifecycler": {"min_ready_duration": "0s", "join_after": "0s", "final_sleep": "0s"}},
        # Without its own address the querier waits 10 s for "number of schedulers … is 0".
        "frontend_worker": {"frontend_address": f"127.0.0.1:{GRPC_PORT}", "dns_lookup_duration": "500ms"},
        "schema_config": {
            "configs": [
                {
                    "from": "2024-01-01",
                    "store": "tsdb",
                    "object_store": "filesystem",
                    "schema": "v13",
                    "index": {"prefix": "index_", "period": "24h"},
                }
            ]
        },
        "compactor": {
            "working_directory": f"{DATA}/compactor",
            "retention_enabled": True,
            "delete_request_store": "filesystem",
        },
        "limits_config": {
            "retention_period": _hours(spec.loki.retention),
            # Loki's own list has the instance's id in it, and every instance would be streams of its own.
            "otlp_config": {
                "resource_attributes": {
                    "ignore_defaults": True,
                    "attributes_config": [{"action": "index_label", "attributes": OTLP_LABELS}],
                }
            },
        },
        "analytics": {"reporting_enabled": False},
    }


def _hours(retention: str) -> str:
    return f"{int(duration_seconds(retention) // 3600)}h"
