"""The blackbox exporter: asks addresses as their users do, on Prometheus's order."""

from __future__ import annotations

from pointsman.services.model import Config, Exposed, HttpReload, Probe, Service
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes
from pointsman.yaml_text import yaml_text

NAME = "blackbox"
PORT = 9115
CONFIG = "/etc/blackbox_exporter"
HTTP, TCP = "http_2xx", "tcp_connect"
# Below every scrape time-out that the spec's defaults and examples have, so that a failed probe is a result.
TIMEOUT = "3s"


def service(spec: Environment) -> Service:
    """Two modules: an HTTP request that is answered with success, a port that takes connections."""
    declared = spec.exporters.blackbox
    modules = {
        HTTP: {"prober": "http", "timeout": TIMEOUT, "http": {"preferred_ip_protocol": "ip4"}},
        TCP: {"prober": "tcp", "timeout": TIMEOUT, "tcp": {"preferred_ip_protocol": "ip4"}},
    }
    return Service(
        name=NAME,
        image="blackbox",
        command=(
            "/bin/blackbox_exporter",
            f"--config.file={CONFIG}/current/blackbox.yml",
            f"--web.listen-address=:{PORT}",
            # Its default is seven lines for each probe that succeeds.
            "--log.prober=warn",
        ),
        exposed=(Exposed("http", PORT, spec.ports.blackbox, "ports.blackbox"),),
        memory=size_bytes(declared.resources.memory),
        cpus=declared.resources.cpus,
        ready=Probe("/-/healthy"),
        config=Config(
            directory=CONFIG,
            files={"blackbox.yml": yaml_text({"modules": modules})},
            validate=("/bin/blackbox_exporter", "--config.check", "--config.file={release}/blackbox.yml"),
            reload=HttpReload(
                path="/-/reload",
                succeeded="blackbox_exporter_config_last_reload_successful",
                at="blackbox_exporter_config_last_reload_success_timestamp_seconds",
            ),
        ),
    )
