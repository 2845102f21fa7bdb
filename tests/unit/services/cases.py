"""The environments whose services the golden files show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
import yaml

from pointsman.inventory import Host, Package, Runner
from pointsman.inventory.model import Part
from pointsman.services import grafana
from pointsman.services.estate import NO_HOSTS, Estate, compose
from pointsman.services.fleet import Fleet, Standin
from pointsman.services.log_agent import Agent
from pointsman.services.model import Machine, Service
from pointsman.spec.models import Environment
from pointsman.spec.reader import parse

MACHINE = Machine(docker_socket="/var/run/docker.sock", docker_group=998)

# Every key that reaches a service is moved away from its default.
FULL = """\
ports:
  grafana: 13003
  prometheus: 19090
  alertmanager: 19093
  alert_sink: 19096
  notifier: 19002
  loki: 13100
  tempo: 13200
  otlp_grpc: 14317
  otlp_http: 14318
  collector_metrics: 18888
  collector_health: 23133
  log_agent: 19080
  node_exporter: 19100
  blackbox: 19115
  pushgateway: 19091
  github_exporter: 19103
  monitor: 19465
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
  sample_limit: 10000
  remote_write: [{url: "https://store.example.org/api/v1/write"}]
  resources: {memory: 2GiB, cpus: 2}
alerts:
  target_down_for: 3m
  disk_free: 0.15
  disk_full_within: 1d
  ingestion_stopped_for: 5m
  series: 400000
  queue_full: 0.7
  store_errors: 0.02
  runbooks: https://wiki.example.org/runbooks
  workflows: {window: 2h, least: 3, failure_rate: 0.2, slow: 20m, approval_wait: 1h, stuck: 3h}
  agents: {window: 30m, least: 8, failure_rate: 0.3, retries: 2.5, errors: 20, slow: 2m}
  system:
    {window: 15m, least: 50, api_latency: 750ms, api_errors: 0.02, database_latency: 250ms, memory: 2GiB,
     container_memory: 0.8, event_loop_lag: 50ms}
  cost: {spike: 2.0, spike_least: 1.5, daily_budget: 12.5}
  deployments: {window: 12h, least: 2, failures: 3, slow: 5m, stuck: 20m}
  runners:
    {offline_for: 3m, queue_wait: 5m, disk_free: 0.2, clock_offset: 20s, failed_jobs: 5, version_days: 10,
     secret_age: 60d, secret_warning: 10d, token_warning: 21d, unreachable_for: 15m, rate_limit: 0.2}
  monitor:
    {window: 30m, least: 20, not_polling: 5m, source_down_for: 5m, no_leader_for: 2m, detection: 10s, stalls: 8,
     handler_failures: 9, queue: 500, queue_for: 20m}
slos:
%s
alertmanager:
  group_by: [alertname, environment]
  inhibit_by: [alertname, environment, instance]
  group_wait: 20s
  group_interval: 3m
  repeat_interval: 12h
  receivers:
    - name: on-call
      url: https://pager.example.org/hook
      severities: [critical]
    - name: team-chat
      url: http://chat.example.org:8080/alerts
      severities: [critical, warning]
    - {kind: slack, name: platform, webhook_url: {file: /etc/pointsman/slack}, channel: "#platform"}
    - {kind: slack, name: agents, webhook_url: {environment: SLACK_AGENTS}, send_resolved: false}
    - {kind: discord, name: lounge, webhook_url: {file: /etc/pointsman/discord}, severities: [info]}
    - kind: discord
      name: plain
      webhook_url: {file: /etc/pointsman/discord}
      through: alertmanager
      severities: [info]
    - kind: email
      name: duty
      to: duty@example.org
      sender: pointsman@example.org
      smarthost: smtp.example.org:587
      username: pointsman
      password: {file: /etc/pointsman/smtp}
    - kind: github_issue
      name: incidents
      repository: acme/app
      token: {file: /etc/pointsman/issues-token}
      labels: [incident]
      send_resolved: true
      server: https://github.example.org
      api_url: https://github.example.org/api
  routes:
    - {receiver: platform, owners: [platform], severities: [critical, warning], mute_times: [nights, weekends]}
    - {receiver: agents, owners: [agents, workflows], matchers: ['agent_name!~"test-.*"'], group_by: [agent_name]}
    - {receiver: duty, severities: [critical], group_wait: 1m, group_interval: 10m, repeat_interval: 1d}
    - {receiver: incidents, severities: [critical], matchers: ['environment="production"']}
    - receiver: incidents
      matchers: ['alertname="DeploymentFailed"']
      group_by: [alertname, deployment_environment_name, deployment_service]
  mute_times:
    - name: nights
      hours: [{begin: "20:00", end: "24:00"}, {begin: "00:00", end: "06:00"}]
      time_zone: Europe/Berlin
    - {name: weekends, weekdays: [saturday, sunday]}
  dead_man: on-call
  resources: {memory: 160MiB, cpus: 0.4}
alert_sink:
  resources: {memory: 48MiB, cpus: 0.1}
notifier:
  resources: {memory: 112MiB, cpus: 0.2}
loki:
  retention: 2w
  resources: {memory: 1GiB, cpus: 1.5}
log_agent:
  resources: {memory: 192MiB, cpus: 0.75}
tempo:
  retention: 36h
  resources: {memory: 768MiB, cpus: 1.25}
collector:
  max_request: 16MiB
  queue: 5000
  span_metrics_interval: 10s
  container_metrics_interval: 1m
  resources: {memory: 640MiB, cpus: 1.75}
grafana:
  resources: {memory: 384MiB, cpus: 0.8}
exporters:
  node:
    resources: {memory: 48MiB, cpus: 0.1}
  blackbox:
    probes:
      - job: sites
        targets: ["https://example.org", "https://www.example.org/health"]
      - job: databases
        module: tcp_connect
        targets: ["db.example.org:5432"]
    resources: {memory: 40MiB, cpus: 0.15}
  pushgateway:
    resources: {memory: 80MiB, cpus: 0.2}
runners:
  hosts: machines
  github:
    url: https://github.example.org/acme
    api_url: https://github.example.org/api
    token: {file: /etc/pointsman/github-token}
    repositories: [acme/app]
  package:
    url: https://mirror.example.org/runner.tar.gz
    sha256: %s
    version: 2.336.0
    newest: {version: 2.337.0, released: "2026-11-20"}
  loki: http://logs.example.org:3100
  exporter:
    interval: 1m
    secrets: [DEPLOY_KEY]
    resources: {memory: 80MiB, cpus: 0.2}
  container: {memory: 2GiB, cpus: 1}
monitor:
  enabled: true
  store:
    url: postgresql://monitor@db.example.org:5432/runs
    password: {file: /etc/pointsman/runs-password}
    mapping:
      runs:
        table: public.jobs
        columns:
          {id: job, name: title, kind: sort, state: status, attempt: try, created_at: made, started_at: began,
           finished_at: ended, heartbeat_at: alive, updated_at: changed, artifacts: folder, error: failure, url: link,
           trace_id: trace}
        states: {done: completed}
        labels: {team: team}
      steps:
        table: job_steps
        columns:
          {run_id: job, position: place, name: title, kind: sort, state: status, started_at: began, finished_at: ended,
           updated_at: changed, error: failure}
        states: {done: completed}
      numbers: milliseconds
      overlap: 5s
    estate_id: production
    artifacts: /srv/artifacts/{run_id}
  github:
    repository: acme/app
    token: {file: /etc/pointsman/github-token}
    interval: 30s
    server: https://github.example.org
    api_url: https://github.example.org/api
  limits:
    {queued: 20m, silent: 15m, approval: 2d, running: 4h, times_p99: 2.5, samples: 50, least_running: 10m,
     unknown_running: 12h, kinds: {deploy: {silent: 5m}}, settle: 5s, retention: 14d}
  archive: {enabled: false, keep_days: 7, keep_size: 5GiB, level: 9}
  rules: {RunFailed: {severity: warning}}
  resources: {memory: 384MiB, cpus: 0.75}
socket_proxy:
  resources: {memory: 24MiB, cpus: 0.1}
"""
# Of each objective, every key but the one that leaves it out.
SLO = """\
  {name}:
    objective: 0.98
    window: 28d
    mode: {mode}
    minimum_events: 40
    alerts: [ticket, forecast]
    exhausted_within: 2d
    rationale: What {name} is for.
"""
SLOS = {
    "workflow_success": "standard",
    "workflow_latency": "standard",
    "agent_success": "standard",
    "api_availability": "low_volume",
    "deployment_success": "standard",
    "runner_availability": "low_volume",
}
TIMED = ("workflow_latency", "deployment_success")
OBJECTIVES = "".join(
    SLO.format(name=name, mode=mode) + ("    within: 15m\n" if name in TIMED else "") for name, mode in SLOS.items()
)
FULL = FULL % (OBJECTIVES.rstrip(), "b" * 64)
EXISTING = """\
network: {bind: 10.0.0.5}
prometheus: {existing: "http://prometheus.example.org:9090", scrape_interval: 30s}
exporters: {blackbox: {probes: [{job: sites, targets: ["https://example.org"]}]}}
"""
# All that has a switch is switched off.
SMALL = """\
exporters: {node: {enabled: false}, blackbox: {enabled: false}, pushgateway: {enabled: false}}
grafana: {enabled: false}
alertmanager: {enabled: false}
collector: {enabled: false}
tempo: {enabled: false}
"""


@dataclass(frozen=True)
class Case:
    """One environment: its name, its spec's text, the log agent that its images allow and what they do not allow."""

    environment: str
    text: str
    agent: Agent
    absent: frozenset[str] = frozenset()
    fleet: Fleet = NO_HOSTS

    @cached_property
    def spec(self) -> Environment:
        """The spec."""
        return parse(self.text, f"stacks/{self.environment}.yaml")

    @cached_property
    def estate(self) -> Estate:
        """The services."""
        return compose(self.environment, self.spec, self.agent, MACHINE, self.absent, self.fleet)


def host(name: str, part: Part, address: str, **exporters: int) -> Host:
    """A runner host of the inventory."""
    folder, program = "/srv/runner/work", None
    runner = Runner(part, name, ("deploy",), "persistent", "strict", folder, 2**31, 60.0, program)
    groups = ("runners", f"runners_{part}", "monitored")
    variables = {"ansible_host": address, "runner_labels": ["deploy"]}
    return Host(name, groups, address, 22, "pointsman", runner, exporters, (), (), variables, (), "0" * 64)


HOSTS = (
    host("runner-1", "primary", "192.0.2.11", node=9100, runner=9101),
    host("runner-2", "secondary", "192.0.2.12", node=9100, runner=9201),
)
STANDIN = Standin("/state/github-token", "/cache/programs", Package("runner.tar.gz", "a" * 64, "2.336.0"))
CONTAINERS = """runners: {hosts: containers, exporter: {interval: 15s, resources: {memory: 128MiB, cpus: 0.3}}}
monitor: {enabled: true}
ports: {github: 19180, github_exporter: 19103}
"""

CASES = {
    # What images from packages allow.
    "default": Case("dev", "{}", "promtail", frozenset({grafana.NAME})),
    "full": Case("production", FULL, "alloy", fleet=Fleet(HOSTS)),
    "small": Case("staging", SMALL, "alloy"),
    "hosts": Case("dev", CONTAINERS, "promtail", frozenset({grafana.NAME}), Fleet(HOSTS, STANDIN)),
    "without-tempo": Case("lab", "tempo: {enabled: false}\nalertmanager: {enabled: false}", "alloy"),
}
# The others differ by services that are missing, which properties say better than files.
GOLDEN = ("default", "full", "hosts")

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def named(case: Case, name: str) -> Service:
    """A service of the case."""
    return next(service for service in case.estate.services if service.name == name)


def config_of(case: Case, name: str, file: str) -> Any:
    """A rendered YAML file, read back."""
    config = named(case, name).config
    assert config is not None
    return yaml.safe_load(config.files[file])
