"""The environments whose services the golden files show."""

from __future__ import annotations

from dataclasses import dataclass

from pointsman.services.estate import Estate, compose
from pointsman.services.log_agent import Agent
from pointsman.services.model import Machine
from pointsman.spec.models import Environment
from pointsman.spec.reader import parse

MACHINE = Machine(docker_socket="/var/run/docker.sock", docker_group=998)

# Every key that reaches a service is moved away from its default.
FULL = """\
ports: {prometheus: 19090, loki: 13100, log_agent: 19080, node_exporter: 19100}
network: {bind: 10.0.0.5}
container_logs: {max_size: 20MiB, max_files: 5}
prometheus:
  scrape_interval: 30s
  scrape_timeout: 1500ms
  evaluation_interval: 1m
  retention: {time: 2w1d, size: 1536 MiB}
  external_labels: {team: platform, region: "yes"}
  extra_targets:
    - job: builds
      targets: ["build-1.example.org:9100", "build-2.example.org:9100"]
      labels: {team: platform}
    - job: routers
      targets: ["router:9116"]
  resources: {memory: 2GiB, cpus: 2}
loki:
  retention: 2w
  resources: {memory: 1GiB, cpus: 1.5}
log_agent:
  resources: {memory: 192MiB, cpus: 0.75}
exporters:
  node:
    resources: {memory: 48MiB, cpus: 0.1}
socket_proxy:
  resources: {memory: 24MiB, cpus: 0.1}
"""


@dataclass(frozen=True)
class Case:
    """One environment: its name, its spec's text and the log agent that its images allow."""

    environment: str
    text: str
    agent: Agent

    @property
    def spec(self) -> Environment:
        """The spec."""
        return parse(self.text, f"stacks/{self.environment}.yaml")

    @property
    def estate(self) -> Estate:
        """The services."""
        return compose(self.environment, self.spec, self.agent, MACHINE)


CASES = {
    "default": Case("dev", "{}", "promtail"),
    "full": Case("production", FULL, "alloy"),
    "without-exporters": Case("staging", "exporters: {node: {enabled: false}}", "alloy"),
}
# The third differs from the first by a service that is missing, which a property says better than files.
GOLDEN = ("default", "full")
