"""One fault is one red check."""

from __future__ import annotations

from dataclasses import replace

from pointsman.checks import Check, Hop, Outcome, failed, passed
from pointsman.verify.consequences import folded
from pointsman.verify.groups import Group, grouped, ordered


def red(name: str, service: str, group: Group = Group.CONTAINERS) -> Check:
    """A red check."""
    return replace(failed(name, "seen", expected="other", remedy="mend", service=service), group=str(group))


def lost(name: str, service: str, *hops: tuple[str, str, Outcome]) -> Check:
    """A signal that was lost."""
    told = tuple(Hop(hop, where, outcome, "") for hop, where, outcome in hops)
    return replace(red(name, service, Group.FLOW), hops=told)


FAIL, PASS, UNSEEN = Outcome.FAIL, Outcome.PASS, Outcome.NOT_VERIFIABLE


def reds(*checks: Check) -> list[str]:
    """The names of the checks that stay red."""
    return [check.name for check in folded(checks) if check.outcome is FAIL]


def test_what_follows_from_a_dead_container_names_it() -> None:
    """Not reached, not scraped, without logs: one red check, and the others say why."""
    checks = [
        red("container loki", "loki"),
        red("reached loki", "loki", Group.ACCESS),
        red("scrape target loki", "loki", Group.METRICS),
        red("log of tempo in Loki", "loki", Group.FLOW),
    ]
    assert reds(*checks) == ["container loki"]
    assert all("container loki is seen" in check.seen for check in folded(checks)[1:])


def test_a_data_source_whose_store_is_dead_follows_from_it() -> None:
    """Its check is named like those of volumes, which hold whatever became of the service; this one does not."""
    assert reds(red("container loki", "loki"), red("data source loki", "loki", Group.GRAFANA)) == ["container loki"]
    assert reds(red("container loki", "loki"), red("data loki", "loki")) == ["container loki", "data loki"]


def test_faults_of_other_services_stay_red() -> None:
    """Two faults at the same time are two."""
    assert reds(red("container loki", "loki"), red("reached tempo", "tempo", Group.ACCESS)) == [
        "container loki",
        "reached tempo",
    ]


def test_a_wrong_config_stays_red_beside_the_container_that_it_ended() -> None:
    """It is seen in the volume, whatever became of the service."""
    assert reds(red("config loki", "loki"), red("container loki", "loki")) == ["config loki", "container loki"]


def test_a_signal_lost_at_a_dead_service_stays_red_and_names_it() -> None:
    """The first of them: the others are lost at the same place."""
    hops = (("passed on to prometheus", "collector", UNSEEN), ("PromQL", "prometheus", FAIL))
    later = (("rule fires", "prometheus", FAIL),)
    checks = [
        red("container prometheus", "prometheus"),
        lost("metric", "prometheus", *hops),
        lost("alert", "prometheus", *later),
    ]
    assert reds(*checks) == ["container prometheus", "metric"]
    assert folded(checks)[1].seen.endswith("see: container prometheus")


def test_a_signal_that_a_silent_store_did_not_take_is_laid_to_the_store() -> None:
    """The Collector holds it because nobody takes it."""
    hops = (("passed on to loki", "collector", FAIL), ("LogQL", "loki", UNSEEN))
    checks = folded([red("reached loki", "loki", Group.ACCESS), lost("log line", "collector", *hops)])
    assert checks[1].service == "loki"


def test_signals_lost_at_the_same_hop_are_one_fault_and_at_others_are_several() -> None:
    """Metric and alert share the Collector's way to Prometheus; the way to Loki is another one."""
    to_prometheus = (("passed on to prometheus", "collector", FAIL), ("PromQL", "prometheus", UNSEEN))
    to_loki = (("passed on to loki", "collector", FAIL), ("LogQL", "loki", UNSEEN))
    found = reds(
        lost("metric", "collector", *to_prometheus),
        lost("log line", "collector", *to_loki),
        lost("alert", "collector", *to_prometheus),
    )
    assert found == ["metric", "log line"]


def test_the_groups_are_in_the_order_of_the_tests_that_they_replace() -> None:
    """And what is about one container stands together, a wrong config before the death that it causes."""
    checks = [
        *grouped(Group.FLOW, [passed("metric", "")]),
        *grouped(Group.METRICS, [passed("scrape target loki", "")]),
        *grouped(
            Group.CONTAINERS,
            [passed("container tempo", "", service="tempo"), passed("config tempo", "", service="tempo")],
        ),
        red("container loki", "loki"),
        red("config loki", "loki"),
    ]
    names = [check.name for check in ordered(checks, ["loki", "tempo"])]
    assert names == ["config loki", "container loki", "container tempo", "config tempo", "scrape target loki", "metric"]
    assert [str(group) for group in Group] == [
        "container health",
        "service access",
        "Prometheus metrics",
        "Grafana connectivity",
        "dashboards",
        "end-to-end flow",
        "hosts",
    ]
