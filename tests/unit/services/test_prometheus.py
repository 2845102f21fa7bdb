"""What Prometheus is told: whom it scrapes, how it reaches the others, where it writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pointsman.errors import UsageError
from pointsman.services import blackbox
from pointsman.services.estate import compose
from pointsman.services.model import Service
from pointsman.services.scraping import HOST_JOBS, TARGETS
from pointsman.signals.catalogue import rule_groups
from pointsman.spec.exporters import STACK_PROBES
from pointsman.spec.reader import parse
from tests.unit.services.cases import CASES, MACHINE, Case, config_of, every_case, named

FULL = CASES["full"]


def jobs_of(case: Case) -> dict[str, dict[str, Any]]:
    """The scrape jobs by name; fails when a name stands twice."""
    jobs = config_of(case, "prometheus", "prometheus.yml")["scrape_configs"]
    assert len({job["job_name"] for job in jobs}) == len(jobs)
    return {job["job_name"]: job for job in jobs}


def has_blackbox(case: Case) -> bool:
    """Whether the case has the exporter that probes go through."""
    return any(service.name == blackbox.NAME for service in case.estate.services)


@every_case
def test_scrape_jobs_are_services_probes_and_extra_targets(case: Case) -> None:
    """One job for each service that has metrics, one for each exporter of hosts, one for the stack's probes, one for
    each of the spec's entries; no other list."""
    wanted = [service.name for service in case.estate.services if service.metrics]
    wanted += [entry.job for entry in case.spec.prometheus.extra_targets]
    wanted += list(HOST_JOBS.values()) if case.spec.runners.hosts != "none" else []
    wanted += [STACK_PROBES] if has_blackbox(case) else []
    wanted += [probe.job for probe in case.spec.exporters.blackbox.probes]
    assert sorted(jobs_of(case)) == sorted(wanted)


@every_case
def test_each_service_is_scraped_where_its_metrics_are(case: Case) -> None:
    """By its name on the network and the port that its metrics are on; Prometheus itself on loopback."""
    for service in case.estate.services:
        if service.metrics is None:
            continue
        job = jobs_of(case)[service.name]
        address = service.address(service.metrics.on)
        if service.name == "prometheus":
            address = f"localhost:{service.main.port}"
        assert job["static_configs"] == [{"targets": [address], "labels": {"service": service.name}}]
        assert (job["metrics_path"], job.get("honor_labels", False)) == (
            service.metrics.path,
            service.metrics.honor_labels,
        )


def probed(job: dict[str, Any]) -> dict[str, str]:
    """Address by label `service` of a probe job."""
    return {each["labels"]["service"]: target for each in job["static_configs"] for target in each["targets"]}


@every_case
def test_every_service_that_can_tell_is_probed(case: Case) -> None:
    """The stack's probes ask the very readiness that a deploy waits for, of every service that has one."""

    def url(service: Service) -> str:
        assert service.ready is not None
        return f"http://{service.address(service.ready.on)}{service.ready.path}"

    if has_blackbox(case):
        ready = {service.name: url(service) for service in case.estate.services if service.ready}
        assert probed(jobs_of(case)[STACK_PROBES]) == ready


def test_probes_go_through_the_blackbox_exporter() -> None:
    """Whatever is probed is the request's parameter and the label instance; the request goes to the exporter, for a
    module that it has."""
    jobs = jobs_of(FULL)
    modules = config_of(FULL, blackbox.NAME, "blackbox.yml")["modules"]
    names = [STACK_PROBES, *(probe.job for probe in FULL.spec.exporters.blackbox.probes)]
    for name in names:
        job = jobs[name]
        assert job["metrics_path"] == "/probe"
        assert set(job["params"]["module"]) <= set(modules), name
        first, second, third = job["relabel_configs"]
        assert (first["source_labels"], first["target_label"]) == (["__address__"], "__param_target")
        assert (second["source_labels"], second["target_label"]) == (["__param_target"], "instance")
        assert third == {"target_label": "__address__", "replacement": named(FULL, blackbox.NAME).address()}
    for probe in FULL.spec.exporters.blackbox.probes:
        assert jobs[probe.job]["params"] == {"module": [probe.module]}
        assert jobs[probe.job]["static_configs"] == [{"targets": probe.targets}]


@every_case
def test_each_extra_job_reads_a_file_that_is_delivered(case: Case) -> None:
    """The file that a job names is among the config's files, watched, and holds the spec's targets."""
    config = named(case, "prometheus").config
    assert config is not None
    jobs = config_of(case, "prometheus", "prometheus.yml")["scrape_configs"]
    read = {job["job_name"]: job["file_sd_configs"][0]["files"] for job in jobs if "file_sd_configs" in job}
    for entry in case.spec.prometheus.extra_targets:
        (path,) = read.pop(entry.job)
        file = path.removeprefix(f"{config.directory}/current/")
        assert file.startswith(config.watched)
        assert json.loads(config.files[file]) == [{"targets": entry.targets, "labels": entry.labels}]
    assert set(read) == (set(HOST_JOBS.values()) if case.spec.runners.hosts != "none" else set())


def test_hosts_are_scraped_where_prometheus_finds_them() -> None:
    """Containers by name, machines by the address of the inventory; each with its name and its part."""
    for name, first in (("hosts", "runner-1"), ("full", "192.0.2.11")):
        config = named(CASES[name], "prometheus").config
        assert config is not None
        found = json.loads(config.files["targets/hosts-runner.json"])
        assert found[0] == {"targets": [f"{first}:9101"], "labels": {"host": "runner-1", "part": "primary"}}
        assert found[1]["targets"][0].endswith(":9201")


def test_a_change_of_extra_targets_leaves_the_config_alone() -> None:
    """New hosts in a known job reach Prometheus by its own watching: its config stays, so nothing is reloaded."""
    template = "prometheus: {{extra_targets: [{{job: builds, targets: [{}]}}]}}"
    configs = []
    for targets in ("'a:1'", "'a:1', 'b:2'"):
        estate = compose("dev", parse(template.format(targets), "stacks/dev.yaml"), "promtail", MACHINE)
        configs.append(next(service.config for service in estate.stack if service.name == "prometheus"))
    before, after = configs
    assert before is not None
    assert after is not None
    changed = [path for path in before.files if before.files[path] != after.files[path]]
    assert changed == [f"{TARGETS}/builds.json"]


@pytest.mark.parametrize("job", ["loki", "prometheus", STACK_PROBES, "mine"])
@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("prometheus: {{extra_targets: [{{job: {}, targets: ['a:1']}}]}}", "prometheus.extra_targets"),
        ("exporters: {{blackbox: {{probes: [{{job: {}, targets: ['a:1']}}]}}}}", "exporters.blackbox.probes"),
    ],
)
def test_a_job_s_name_can_be_taken_once(template: str, key: str, job: str) -> None:
    """Prometheus refuses a name twice: the spec's file and key are named before anything is made."""
    spec = parse(template.format(job), "stacks/dev.yaml")
    if job == "mine":
        compose("dev", spec, "promtail", MACHINE)
        return
    with pytest.raises(UsageError, match=rf"stacks/dev\.yaml: {key}: job {job} is the name of a service"):
        compose("dev", spec, "promtail", MACHINE)


def test_a_job_s_name_counts_across_targets_and_probes() -> None:
    """An extra target and a probe that share a name are told, too."""
    text = (
        "prometheus: {extra_targets: [{job: a, targets: ['a:1']}]}\n"
        "exporters: {blackbox: {probes: [{job: a, targets: ['a:1']}]}}"
    )
    with pytest.raises(UsageError, match=r"exporters\.blackbox\.probes: job a is"):
        compose("dev", parse(text, "stacks/dev.yaml"), "promtail", MACHINE)


@every_case
def test_alerts_reach_the_estate_s_own_alertmanager(case: Case) -> None:
    """Rules are loaded from files that are delivered, and what fires goes to the service of the estate, if it has
    one."""
    config = named(case, "prometheus").config
    assert config is not None
    rendered = config_of(case, "prometheus", "prometheus.yml")
    assert rendered["rule_files"] == ["rules/*.yml"]
    wanted = [f"rules/{group.name}.yml" for group in rule_groups(case.spec)]
    assert [path for path in config.files if path.startswith("rules/")] == wanted
    if not case.spec.alertmanager.enabled:
        assert "alerting" not in rendered
        return
    (manager,) = rendered["alerting"]["alertmanagers"]
    assert manager["static_configs"] == [{"targets": [named(case, "alertmanager").address()]}]


def test_what_the_spec_sends_on() -> None:
    """Remote write is in the config only when asked for, one entry a store; a scrape is bounded by sample_limit."""
    full = config_of(FULL, "prometheus", "prometheus.yml")
    assert full["remote_write"] == [{"url": "https://store.example.org/api/v1/write"}]
    assert full["global"]["sample_limit"] == 10_000
    default = config_of(CASES["default"], "prometheus", "prometheus.yml")
    assert "remote_write" not in default
    assert default["global"]["sample_limit"] == 50_000


@pytest.mark.parametrize(("written", "told"), [("2GiB", "2GB"), ("1536 MiB", "1536MB"), ("1TiB", "1TB"), ("9B", "9B")])
def test_prometheus_is_told_sizes_in_its_own_units(written: str, told: str) -> None:
    """Prometheus refuses the `i` and a blank, and reads GB as 2^30."""
    case = Case("dev", f"prometheus: {{retention: {{size: {written}}}}}", "promtail")
    assert config_of(case, "prometheus", "prometheus.yml")["storage"]["tsdb"]["retention"]["size"] == told


def test_the_environment_label_may_be_named_otherwise() -> None:
    """What leaves Prometheus carries the environment's name, unless the spec gives it another."""
    spec = "prometheus: {external_labels: {environment: lab, team: a}}"
    labels_of = [
        config_of(Case("dev", text, "alloy"), "prometheus", "prometheus.yml")["global"]["external_labels"]
        for text in ("{}", spec)
    ]
    assert labels_of == [{"environment": "dev"}, {"environment": "lab", "team": "a"}]
