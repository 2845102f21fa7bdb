"""Tempo: keeps the traces; a single process on one volume."""

from __future__ import annotations

from typing import Any

from pointsman.services.go_runtime import soft_limit
from pointsman.services.model import Config, Exposed, Probe, RestartInPlace, Retention, Service
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds, size_bytes
from pointsman.yaml_text import yaml_text

NAME = "tempo"
PORT = 3200
OTLP = "otlp-grpc"
OTLP_PORT = 4317
GRPC_PORT = 9095
CONFIG = "/etc/tempo"
DATA = "/var/tempo"
# With Tempo's own 500 MB to a block it was ended by the kernel after each start, again and again: what a start reads
# back has to fit in memory (docs/reference/performance.md, grafana/tempo#1825).
BLOCK_SHARE = 32
# Bytes of spans a second, as a share of its memory: twice the 0.93 MB that 512 MiB held for five minutes.
RATE_SHARE = 256
IN_MEMORY = {"kvstore": {"store": "inmemory"}}


def service(spec: Environment) -> Service:
    """Tempo in monolithic mode; spans reach it from the Collector only, on a port that is not published."""
    memory = size_bytes(spec.tempo.resources.memory)
    return Service(
        name=NAME,
        image="tempo",
        command=("/tempo", f"-config.file={CONFIG}/current/tempo.yml"),
        exposed=(Exposed("http", PORT, spec.ports.tempo, "ports.tempo"), Exposed(OTLP, OTLP_PORT, http=False)),
        memory=memory,
        cpus=spec.tempo.resources.cpus,
        variables=soft_limit(memory),
        ready=Probe("/ready"),
        config=Config(
            directory=CONFIG,
            files={"tempo.yml": yaml_text(_config(spec, memory))},
            validate=("/tempo", "-config.verify=true", "-config.file={release}/tempo.yml"),
            reload=RestartInPlace(),
        ),
        data=DATA,
        # All of its modules stop within 2 s; then its gRPC server waits for ever for its own querier's stream.
        stop_seconds=4,
        retention=Retention(
            path="/status/config",
            key=("compactor", "compaction", "block_retention"),
            time=duration_seconds(spec.tempo.retention),
        ),
    )


def _config(spec: Environment, memory: int) -> dict[str, Any]:
    rate = memory // RATE_SHARE
    return {
        "stream_over_http_enabled": True,
        "server": {"http_listen_port": PORT, "grpc_listen_port": GRPC_PORT, "log_level": "info"},
        "distributor": {
            "ring": IN_MEMORY,
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{OTLP_PORT}"}}}},
            # Without it what is over the rate is dropped by the Collector, which else keeps it and sends it again.
            "retry_after_on_resource_exhausted": "2s",
        },
        "ingester": {
            "lifecycler": {
                "ring": {**IN_MEMORY, "replication_factor": 1},
                "address": "127.0.0.1",
                "min_ready_duration": "0s",
                "final_sleep": "0s",
            },
            # Measured: a search finds a trace 5 s after it was sent with these, and not after 8 s with the defaults.
            "trace_idle_period": "2s",
            "flush_check_period": "2s",
            "max_block_bytes": memory // BLOCK_SHARE,
        },
        "querier": {"frontend_worker": {"frontend_address": f"127.0.0.1:{GRPC_PORT}"}},
        # No ring: with one, the single compactor waits a minute for others, and Tempo is not ready before.
        "compactor": {
            "compaction": {"block_retention": f"{int(duration_seconds(spec.tempo.retention))}s"},
        },
        "overrides": {"defaults": {"ingestion": {"rate_limit_bytes": rate, "burst_size_bytes": 2 * rate}}},
        "storage": {
            "trace": {"backend": "local", "local": {"path": f"{DATA}/blocks"}, "wal": {"path": f"{DATA}/wal"}},
        },
        "usage_report": {"reporting_enabled": False},
    }
