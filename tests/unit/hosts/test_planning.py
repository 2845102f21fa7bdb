"""What spec and inventory make of a host: the variables of its plays, and how its runner is registered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pointsman.hosts import HostPlan, plans
from pointsman.inventory import Package
from pointsman.services.fleet import Fleet
from pointsman.spec.models import Environment
from pointsman.spec.reader import parse
from tests.unit.hosts.cases import ARTIFACTS
from tests.unit.services.cases import CONTAINERS, FULL, HOSTS, STANDIN

API = "http://127.0.0.1:19180/api/v3"


def planned(text: str, fleet: Fleet) -> tuple[HostPlan, ...]:
    """The plans of an environment with this spec."""
    spec: Environment = parse(text, "stacks/dev.yaml")
    return plans("dev", spec, fleet, ARTIFACTS, API)


def test_hosts_of_a_standin() -> None:
    """Hosts know it by its name on the network; this machine asks its published port, with the token made for it."""
    primary, secondary = planned(CONTAINERS, Fleet(HOSTS, STANDIN))
    assert primary.container
    assert primary.published == 22
    assert primary.registration is not None
    assert primary.registration.url == "http://github:8080/acme/app"
    assert primary.registration.api_url == API
    assert primary.registration.token == {"file": STANDIN.token_file}
    assert primary.variables["pointsman_runner_package"]["url"] == "http://github:8080/_packages/runner.tar.gz"
    assert primary.variables["pointsman_loki_url"] == "http://loki:3100"
    assert [each["name"] for each in primary.variables["pointsman_reach"]] == ["GitHub", "the runner program", "Loki"]
    assert secondary.variables["pointsman_environment"] == "dev"


def test_one_host_begins_with_the_routing_label() -> None:
    """The first primary: two would take turns, none would leave deployments waiting."""
    found = planned(CONTAINERS, Fleet(HOSTS, STANDIN))
    labels = [each.registration.routing_label for each in found if each.registration]
    assert labels == ["deploy-active", ""]


def test_machines_of_a_github() -> None:
    """Nothing is published for them; program, token and Loki are what the spec says."""
    primary, _ = planned(FULL, Fleet(HOSTS))
    assert (primary.container, primary.published) == (False, 0)
    assert primary.registration is not None
    assert primary.registration.token == {"file": "/etc/pointsman/github-token"}
    assert primary.variables["pointsman_loki_url"] == "http://logs.example.org:3100"
    assert primary.variables["pointsman_runner_package"]["version"] == "2.336.0"


@pytest.mark.parametrize(("bind", "url"), [("10.0.0.5", "http://10.0.0.5:13100"), ("127.0.0.1", ""), ("0.0.0.0", "")])
def test_logs_of_machines(bind: str, url: str) -> None:
    """They go where the environment's ports are published; where no other machine reaches those, there are none."""
    text = FULL.replace("  loki: http://logs.example.org:3100\n", "").replace("bind: 10.0.0.5", f"bind: {bind}")
    primary, _ = planned(text, Fleet(HOSTS))
    assert primary.variables["pointsman_loki_url"] == url
    assert ("Loki" in [each["name"] for each in primary.variables["pointsman_reach"]]) is bool(url)


def test_a_program_of_its_own() -> None:
    """What the inventory names for one host is tried out there, and nowhere else."""
    assert HOSTS[0].runner is not None
    own = replace(HOSTS[0].runner, package=Package("https://example.org/new.tar.gz", "e" * 64, "2.400.0"))
    first, second = planned(FULL, Fleet((replace(HOSTS[0], runner=own), HOSTS[1])))
    versions = [each.variables["pointsman_runner_package"]["version"] for each in (first, second)]
    assert versions == ["2.400.0", "2.336.0"]


def test_a_host_that_is_only_watched() -> None:
    """No runner, nothing to register, nothing of GitHub to reach; exporters and logs all the same."""
    (watched,) = planned(FULL, Fleet((replace(HOSTS[0], runner=None),)))
    assert watched.registration is None
    assert watched.variables["pointsman_runner"] is False
    assert [each["name"] for each in watched.variables["pointsman_reach"]] == ["Loki"]


def test_secrets_stay_in_the_inventory() -> None:
    """Variables are in state: what is secret is taken by Ansible from the inventory when it plays."""
    variables = {**HOSTS[0].variables, "ansible_become_password": "x"}
    host = replace(HOSTS[0], variables=variables, secrets=("ansible_become_password",))
    (found,) = planned(FULL, Fleet((host,)))
    assert "ansible_become_password" not in found.variables
