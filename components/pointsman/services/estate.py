"""An environment's services, from its spec: the one place that knows which services there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass

from pointsman.errors import UsageError
from pointsman.services import (
    alert_sink,
    alertmanager,
    blackbox,
    board,
    collector,
    existing,
    github_exporter,
    github_standin,
    grafana,
    log_agent,
    loki,
    node_exporter,
    notifier,
    prometheus,
    pushgateway,
    run_monitor,
    socket_proxy,
    tempo,
)
from pointsman.services.fleet import Fleet
from pointsman.services.log_agent import Agent
from pointsman.services.model import Machine, Service
from pointsman.services.scraping import host_job_names
from pointsman.signals.catalogue import rule_groups
from pointsman.signals.dashboards.files import Draw, drawn
from pointsman.signals.model import RuleGroup
from pointsman.signals.rule_lint import checked
from pointsman.spec.exporters import STACK_PROBES
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds

NO_HOSTS = Fleet()
OPTIONAL = frozenset({grafana.NAME})
"""Services that an environment does without where their image cannot be had."""
INSTEAD = {grafana.NAME: board.NAME}
"""What stands in for one of them then."""


@dataclass(frozen=True)
class Estate:
    """All services of one environment, in the order in which they can start. `scrape_interval` is in seconds.

    `runners` are those that serve the runner hosts, `monitoring` those that watch runs. `borrowed` are run by others:
    asked like the rest, but nothing is made of them.
    """

    environment: str
    stack: tuple[Service, ...]
    exporters: tuple[Service, ...]
    runners: tuple[Service, ...] = ()
    scrape_interval: float = 15.0
    borrowed: tuple[Service, ...] = ()
    monitoring: tuple[Service, ...] = ()

    @property
    def services(self) -> tuple[Service, ...]:
        """All of them together."""
        return self.stack + self.exporters + self.runners + self.monitoring

    @property
    def dashboards(self) -> Service | None:
        """The service that shows the dashboards: Grafana, the board in its place, or none."""
        return _named(grafana.NAME, self.stack) or _named(board.NAME, self.stack)


def compose(
    environment: str,
    spec: Environment,
    agent: Agent,
    machine: Machine,
    absent: Set[str] = frozenset(),
    fleet: Fleet = NO_HOSTS,
    draw: Draw = drawn,
) -> Estate:
    """The services that `spec` declares for `environment`, with the log agent that its images allow.

    `absent` are those of OPTIONAL whose image cannot be had. `fleet` are the hosts, which Prometheus scrapes; who only
    asks which services there are may leave it out. `draw` makes the dashboards' texts, for who asks for
    them. Raises UsageError for a rule that asks for what nobody sends, and for a scrape job of the spec that is named
    like another: Prometheus takes a job's name once.
    """
    proxy, logs = socket_proxy.service(spec, machine), loki.service(spec)
    traces = tempo.service(spec) if spec.tempo.enabled else None
    sink = alert_sink.service(spec) if spec.alertmanager.enabled else None
    tells = notifier.service(spec) if sink and spec.notifier.enabled else None
    alerts = alertmanager.service(spec, sink, tells) if sink else None
    elsewhere = spec.prometheus.existing
    store = existing.bare(elsewhere) if elsewhere else prometheus.bare()
    around = collector.Neighbours(traces, store, logs, proxy)
    ways = collector.service(environment, spec, around) if spec.collector.enabled else None
    shipper = log_agent.service(environment, spec, agent, logs, proxy)
    shown = board if grafana.NAME in absent else grafana
    boards = shown.service(spec, store, logs, traces, alerts, draw) if spec.grafana.enabled else None
    exporters, runners = _exporters(spec), _runners(spec, fleet)
    monitor = (run_monitor.service(spec, machine, alerts, ways),) if spec.monitor.enabled else ()
    scraped = (*_there(logs, traces, ways, shipper, alerts, sink, tells, boards), *exporters, *runners, *monitor)
    probes = _named(blackbox.NAME, exporters)
    rules, hosts = _rules(spec), fleet.hosts
    metrics = None if elsewhere else prometheus.service(environment, spec, scraped, alerts, rules, probes, hosts)
    borrowed = (
        (existing.service(environment, spec, elsewhere, scraped, alerts, rules, probes, hosts),) if elsewhere else ()
    )
    stack_services = _there(proxy, logs, traces, metrics, sink, tells, alerts, ways, shipper, boards)
    interval = duration_seconds(spec.prometheus.scrape_interval)
    estate = Estate(environment, stack_services, exporters, runners, interval, borrowed, monitor)
    _refuse_taken_jobs(environment, spec, estate)
    return estate


def _there(*services: Service | None) -> tuple[Service, ...]:
    return tuple(each for each in services if each is not None)


def _named(name: str, services: tuple[Service, ...]) -> Service | None:
    return next((each for each in services if each.name == name), None)


def _rules(spec: Environment) -> tuple[RuleGroup, ...]:
    """Without Alertmanager the alerts are judged all the same: Prometheus shows them."""
    return checked(rule_groups(spec))


def _exporters(spec: Environment) -> tuple[Service, ...]:
    declared = spec.exporters
    every = (
        (declared.node.enabled, node_exporter),
        (declared.blackbox.enabled, blackbox),
        (declared.pushgateway.enabled, pushgateway),
    )
    return tuple(each.service(spec) for enabled, each in every if enabled)


def _runners(spec: Environment, fleet: Fleet) -> tuple[Service, ...]:
    if spec.runners.hosts == "none":
        return ()
    token = github_exporter.token_source(spec, fleet)
    packages = fleet.standin.packages if fleet.standin else ""
    standin = github_standin.service(spec, token, packages) if spec.runners.has_standin else None
    asking = github_exporter.service(spec, token) if spec.runners.exporter.enabled else None
    return _there(standin, asking)


def _refuse_taken_jobs(environment: str, spec: Environment, estate: Estate) -> None:
    taken = Counter([STACK_PROBES, *host_job_names(spec), *(service.name for service in estate.services)])
    places = {
        "prometheus.extra_targets": [each.job for each in spec.prometheus.extra_targets],
        "exporters.blackbox.probes": [each.job for each in spec.exporters.blackbox.probes],
    }
    for key, jobs in places.items():
        for job in jobs:
            if taken[job]:
                raise UsageError(
                    f"stacks/{environment}.yaml: {key}: job {job} is the name of a service or of another job",
                    remedy="give the job a name of its own",
                )
            taken[job] += 1
