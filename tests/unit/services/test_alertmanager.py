"""Where alerts go: Alertmanager's routes walked as Alertmanager walks them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pointsman.errors import UsageError
from pointsman.services import alert_sink, notifier
from pointsman.services.alertmanager import told as told_in
from pointsman.services.receivers import TEMPLATE
from pointsman.signals import stack, verification
from pointsman.signals.walking import fits, walk
from pointsman.spec.reader import parse
from pointsman.spec.receivers import GitHubIssue, Slack, Webhook
from tests.unit.services.cases import CASES, Case, config_of, named

SINK = alert_sink.NAME
TABLE = Path(__file__).with_name("routing.txt")
HOW_TO = Path(__file__).parents[3] / "docs/how-to/route-alerts.md"
VERIFY = {"alertname": verification.ALERT, "severity": "none", "run": "4f1c"}
WITH = {name: case for name, case in CASES.items() if case.spec.alertmanager.enabled}
WATCHDOG = {"alertname": stack.WATCHDOG, "severity": "none"}

every_such_case = pytest.mark.parametrize("case", WITH.values(), ids=WITH.keys())


def config(case: Case) -> dict[str, Any]:
    """Alertmanager's config, read back."""
    found: dict[str, Any] = config_of(case, "alertmanager", "alertmanager.yml")
    return found


def told(case: Case, labels: Mapping[str, str]) -> list[str]:
    """The receivers of an alert, in order."""
    return [each.receiver for each in walk(config(case), labels)]


def severities(case: Case) -> Iterator[str]:
    """All that an alert may carry, and what none of ours does."""
    yield from ("critical", "warning", "info", "none", "page", "Critical", "WARNING", " critical", "")


@every_such_case
def test_every_receiver_of_a_route_exists(case: Case) -> None:
    """And every receiver is the end of a route."""
    route = config(case)["route"]
    named_by_routes = {route["receiver"], *(below["receiver"] for below in route["routes"])}
    receivers = [each["name"] for each in config(case)["receivers"]]
    assert named_by_routes == set(receivers)
    assert len(set(receivers)) == len(receivers)


@every_such_case
def test_the_sink_gets_every_alert_once(case: Case) -> None:
    """Whatever an alert carries, and whoever else is told."""
    for severity in severities(case):
        labels = {"alertname": "Any", **({"severity": severity} if severity else {})}
        assert told(case, labels).count(SINK) == 1, labels
        assert told(case, labels).count(notifier.CONSOLE) == 1, labels
    assert told(case, WATCHDOG).count(SINK) == 1


@every_such_case
def test_the_proof_of_alerts_disturbs_nobody(case: Case) -> None:
    """The alert that `pointsman verify` fires goes to the sink and nowhere else, at once, each run by itself."""
    assert told(case, VERIFY) == [SINK]
    first = config(case)["route"]["routes"][0]
    assert fits(first, VERIFY)
    assert first["group_wait"] == "0s"
    assert "run" in first["group_by"]


def table() -> list[tuple[str, dict[str, str], list[str]]]:
    """The lines of routing.txt: case, labels, receivers."""
    found = []
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            case, labels, receivers = (part.strip() for part in line.split("|"))
            pairs = dict(each.split("=", 1) for each in labels.split())
            found.append((case, pairs, receivers.split(", ")))
    return found


@pytest.mark.parametrize(("case", "labels", "receivers"), table())
def test_alerts_go_where_the_table_says(case: str, labels: dict[str, str], receivers: list[str]) -> None:
    """Receivers by severity, owner and other labels, in their order; no severity and a misspelled one are told too."""
    assert told(CASES[case], labels) == receivers


def test_the_table_names_every_receiver() -> None:
    """None is declared that no alert reaches."""
    for case in ("default", "full"):
        reached = {name for named_case, _, receivers in table() if named_case == case for name in receivers}
        assert reached == {each["name"] for each in config(CASES[case])["receivers"]}


def test_a_failed_deployment_reaches_chat_and_incidents_as_the_how_to_says() -> None:
    """Its YAML is a spec; each service and environment has an incident of its own."""
    (declared,) = re.findall(r"when a deployment fails\n.*?```yaml\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    spec = parse(declared, "stacks/dev.yaml")
    labels = {"alertname": "DeploymentFailed", "severity": "warning", "owner": "platform"}
    found = {each.receiver: each for each in told_in(spec, labels, "dev")}
    assert [*found] == ["deployments", "incidents", notifier.CONSOLE, SINK]
    assert found["incidents"].grouped == ("alertname", "deployment_environment_name", "deployment_service")
    kinds = {each.name: type(each) for each in spec.alertmanager.receivers}
    assert kinds == {"deployments": Slack, "incidents": GitHubIssue}
    slow = {each.receiver for each in told_in(spec, {**labels, "alertname": "DeploymentSlow"}, "dev")}
    assert slow == {"deployments", notifier.CONSOLE, SINK}


def test_why_somebody_is_told() -> None:
    """The route's matchers, its timing and when it is silent; the environment's name is known without being given."""
    case = CASES["full"]
    found = {
        each.receiver: each for each in told_in(case.spec, {"severity": "critical", "owner": "platform"}, "staging")
    }
    assert found["platform"].why == 'severity=~"critical|warning" and owner=~"platform"'
    assert found["platform"].mute_times == ("nights", "weekends")
    assert (found["duty"].repeat, found["duty"].grouped) == ("1d", ("alertname", "environment"))
    assert "incidents" not in found
    assert "incidents" in {each.receiver for each in told_in(case.spec, {"severity": "critical"}, "production")}


def test_without_alertmanager_nobody_is_told() -> None:
    """It is said in words, with the key that changes it."""
    with pytest.raises(UsageError, match="has no Alertmanager"):
        told_in(CASES["small"].spec, {}, "staging")


@every_such_case
def test_nothing_secret_is_in_the_config(case: Case) -> None:
    """Every secret is a file beside the config, of which the spec's source is known and nothing else."""
    service = named(case, "alertmanager")
    assert service.config is not None
    text = "".join(service.config.files.values())
    for path in service.config.secrets:
        assert f"_file: {service.config.directory}/current/{path}\n" in text
    for key in ("api_url:", "webhook_url:", "auth_password:", "token"):
        assert key not in text
    assert TEMPLATE in service.config.files


def test_secrets_go_to_who_tells_the_receiver() -> None:
    """Those of issues and embeds to the notifier, the others to Alertmanager."""
    secrets = {}
    for name in ("alertmanager", "notifier"):
        found = named(CASES["full"], name).config
        assert found is not None
        secrets[name] = {path: source.file or source.environment for path, source in found.secrets.items()}
    assert secrets == {
        "alertmanager": {
            "secrets/platform": "/etc/pointsman/slack",
            "secrets/agents": "SLACK_AGENTS",
            "secrets/plain": "/etc/pointsman/discord",
            "secrets/duty": "/etc/pointsman/smtp",
        },
        "notifier": {
            "secrets/lounge": "/etc/pointsman/discord",
            "secrets/incidents": "/etc/pointsman/issues-token",
        },
    }


@every_such_case
def test_webhooks_are_posted_where_they_are_taken(case: Case) -> None:
    """The sink and the notifier by their names on the network, the declared ones where the spec says."""
    urls = {
        each["name"]: each["webhook_configs"][0]["url"]
        for each in config(case)["receivers"]
        if "webhook_configs" in each
    }
    tells = named(case, notifier.NAME)
    declared = {each.name: each.url for each in case.spec.alertmanager.receivers if isinstance(each, Webhook)}
    paths = {name: f"http://{tells.address()}{path}" for name, path in notifier.paths(case.spec)}
    assert urls == {SINK: f"http://{named(case, SINK).address()}{alert_sink.WEBHOOK}", **paths, **declared}


def test_without_the_notifier_there_is_no_console() -> None:
    """Alertmanager posts to nobody who is not there."""
    case = Case("dev", "notifier: {enabled: false}", "promtail")
    assert told(case, {"severity": "critical"}) == [SINK]
    assert [each["name"] for each in config(case)["receivers"]] == [SINK]


@every_such_case
def test_timing_is_the_spec_s(case: Case) -> None:
    """The default route waits as declared."""
    route, declared = config(case)["route"], case.spec.alertmanager
    for key in ("group_wait", "group_interval", "repeat_interval"):
        assert route[key] == getattr(declared, key)
