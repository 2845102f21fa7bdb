"""A threshold in the environment's file, and how soon it is judged by."""

from __future__ import annotations

import time

import pytest

from tests.deployed.estate import Estate, eventually

# After `pulumi up` has ended: it proves itself that Prometheus has loaded what it wrote.
SECONDS = 5.0
# What shows a threshold as well starts again to read it, in its container.
SHOWN = {"board"}


def _expression(estate: Estate, alert: str) -> str:
    groups = estate.data("prometheus", "/api/v1/rules", type="alert")["groups"]
    return str(next(rule["query"] for group in groups for rule in group["rules"] if rule["name"] == alert))


def _started(estate: Estate) -> dict[str, str]:
    return {service: str(each.attrs["State"]["StartedAt"]) for service, each in estate.containers().items()}


@pytest.mark.parametrize(
    ("key", "value", "words", "starts_again"),
    [
        pytest.param("least", 4, ">= 4", set(), id="judged by alone"),
        pytest.param("failure_rate", 0.08, "> 0.08", SHOWN, id="shown on dashboards too"),
    ],
)
def test_a_threshold_is_live_in_seconds(
    whole_estate: Estate, key: str, value: float, words: str, starts_again: set[str]
) -> None:
    """Prometheus judges by it as soon as plain `pulumi up` ends; no container is replaced, and none restarted for it
    but that which draws it. It stays: others are told by the environment's file what it is.
    """
    ids, starts = whole_estate.ids(), _started(whole_estate)
    assert words not in _expression(whole_estate, "WorkflowFailureRateHigh")
    whole_estate.edit("alerts", workflows=whole_estate.spec.get("alerts", {}).get("workflows", {}) | {key: value})
    began = time.monotonic()
    done = whole_estate.pulumi_up()
    applied = time.monotonic()
    eventually(lambda: words in _expression(whole_estate, "WorkflowFailureRateHigh"), SECONDS)
    live = time.monotonic()
    print(f"{key}: live {live - began:.1f} s after the edit, {live - applied:.2f} s after the end of `pulumi up`")
    assert done == {("update", f"{service}-config") for service in {"prometheus", *starts_again}}
    assert whole_estate.ids() == ids
    after = _started(whole_estate)
    assert {service for service in after if after[service] != starts[service]} == starts_again
