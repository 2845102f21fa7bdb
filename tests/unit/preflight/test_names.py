"""Judgement on names: what carries one of ours and is somebody else's is a fault, and is never offered for removal."""

from __future__ import annotations

from pointsman.checks import Check, Outcome
from pointsman.preflight.facts import EngineFacts, Network, Thing
from pointsman.preflight.names import Owner, judge
from pointsman.services import labels
from pointsman.services.estate import compose
from pointsman.services.model import Machine
from pointsman.spec.models import Environment
from tests.unit.services.cases import host

SERVICES = compose("dev", Environment(), "promtail", Machine()).services
WHOSE = Owner("mine", "dev")
MINE = {labels.ESTATE: "mine", labels.ENVIRONMENT: "dev"}
THEIRS = {labels.ESTATE: "theirs", labels.ENVIRONMENT: "dev"}


def check(*, container: Thing | None = None, network: Network | None = None, volume: Thing | None = None) -> Check:
    """The check with one thing of each kind in the engine."""
    facts = EngineFacts(
        "unix:///s",
        containers=(container,) if container else (),
        networks=(network,) if network else (),
        volumes=(volume,) if volume else (),
    )
    return judge(WHOSE, SERVICES, (), facts)


def test_free_own_and_unrelated_names_pass() -> None:
    """Other people's things are none of our business while they have other names."""
    other = Thing("pointsman-dev-database", THEIRS)
    assert check(container=other).seen == "all free"
    own = check(container=Thing("pointsman-dev-loki", MINE), volume=Thing("pointsman-dev-loki-data", MINE))
    assert (own.outcome, own.seen) == (Outcome.PASS, "2 in use, all by this environment")


def test_another_estates_names() -> None:
    """The other estate is named, and how to join it; no command that would destroy it is printed."""
    found = check(network=Network("pointsman-dev", THEIRS), volume=Thing("pointsman-dev-prometheus-data", THEIRS))
    assert found.outcome is Outcome.FAIL
    assert "network pointsman-dev belongs to environment dev of another estate, theirs" in found.seen
    assert "POINTSMAN_STATE_DIR" in found.remedy
    assert "rm" not in found.remedy


def test_names_that_nobody_manages() -> None:
    """What carries no label may be removed by hand, with a warning where that deletes data."""
    found = check(container=Thing("pointsman-dev-loki", {}), volume=Thing("pointsman-dev-loki-data", {}))
    assert found.outcome is Outcome.FAIL
    assert "container pointsman-dev-loki was not made by Pointsman" in found.seen
    assert "deletes the data" in found.remedy
    assert "docker rm -f pointsman-dev-loki && docker volume rm pointsman-dev-loki-data" in found.remedy


def test_another_environment_of_this_estate() -> None:
    """An environment whose name and service run together into one of ours is not ours either."""
    carried = {labels.ESTATE: "mine", labels.ENVIRONMENT: "dev-socket"}
    found = check(container=Thing("pointsman-dev-socket-proxy", carried))
    assert found.outcome is Outcome.FAIL
    assert "environment dev-socket of this estate" in found.seen


def test_hosts_have_names_too() -> None:
    """A container that is called like a host would be is told before the host is made."""
    facts = EngineFacts("unix:///s", containers=(Thing("pointsman-dev-runner-1", {}),))
    assert judge(WHOSE, SERVICES, (), facts).seen == "all free"
    found = judge(WHOSE, SERVICES, (host("runner-1", "primary", "127.0.0.1"),), facts)
    assert found.seen == "container pointsman-dev-runner-1 was not made by Pointsman"
