"""What is made of the engine's events: how far each resource is, what changed, and what went wrong."""

from __future__ import annotations

import pytest
from pulumi.automation.events import EngineEvent

from pointsman.deploy.events import Run, State
from tests.unit.deploy.recorded import (
    CONFIG,
    CONTAINER,
    FAILED,
    NETWORK,
    OUTPUTS,
    PLAY,
    PRE,
    doing,
    done,
    run_of,
    said,
    step,
    summary,
    urn,
)
from tests.unit.deploy.recorded import STACK as COMPONENT

LOKI = urn("loki", CONTAINER, COMPONENT)


def test_a_step_through_its_states() -> None:
    """It runs, then is done or has failed; seconds are the engine's own."""
    run = Run()
    begun = run.take(EngineEvent.from_json(step(PRE, "create", "loki", at=2)))
    assert begun is not None
    assert (begun.state, begun.started, begun.ended) == (State.RUNNING, 1002, 0)
    ended = run.take(EngineEvent.from_json(step(OUTPUTS, "create", "loki", at=5)))
    assert ended is begun
    assert (begun.state, begun.ended, begun.op) == (State.DONE, 1005, "create")
    assert (begun.name, begun.type, begun.custom, begun.changes) == ("loki", "Container", True, True)
    failed = run_of(step(PRE, "update", "loki"), step(FAILED, "update", "loki", at=9)).steps[LOKI]
    assert (failed.state, failed.ended) == (State.FAILED, 1009)


def test_a_refresh_before_the_change() -> None:
    """`up` looks at every resource first: the step that counts is the one after, timed from its own beginning."""
    run = run_of(*done("refresh", "loki", at=0, to=1), *done("update", "loki", at=5, to=6))
    found = run.steps[LOKI]
    assert (found.op, found.started, found.ended, found.changes) == ("update", 1005, 1006, True)
    assert not run_of(*done("refresh", "loki"), *done("same", "loki")).steps[LOKI].changes


@pytest.mark.parametrize(
    "order",
    [
        ("delete-replaced", "replace", "create-replacement"),
        ("create-replacement", "replace", "delete-replaced"),
    ],
)
def test_a_replacement_is_one_step(order: tuple[str, ...]) -> None:
    """Old first or new first: what is left to see is the new resource."""
    events = [event for at, op in enumerate(order) for event in done(op, "loki", at=at)]
    found = run_of(*events).steps[LOKI]
    assert (found.op, found.state, found.finishes) == ("create-replacement", State.DONE, True)


def test_a_replacement_whose_end_fails() -> None:
    """An old resource that cannot be removed is not hidden behind the new one."""
    events = (*done("create-replacement", "loki"), step(FAILED, "delete-replaced", "loki"))
    assert run_of(*events).steps[LOKI].state is State.FAILED


def test_components_and_providers_are_only_names() -> None:
    """They change with every first `up`, and nothing is made for them."""
    run = run_of(
        *done("create", "pointsman-dev", "pulumi:pulumi:Stack", parent=""),
        *done("create", "dev-docker", "pulumi:providers:docker", parent=""),
        *done("create", "observability", COMPONENT, parent=""),
        *done("create", "pointsman-dev", NETWORK, parent=""),
        *done("create", "loki-config", CONFIG),
    )
    assert {each.type for each in run.steps.values() if each.custom} == {"Network", "ConfigVolume"}


def test_counts() -> None:
    """Looking is no change; an update without any is none."""
    run = run_of(summary(create=2, update=1, same=18))
    assert run.changes == {"create": 2, "update": 1, "same": 18}
    assert run.changed == 3
    assert run_of(summary(same=21)).changed == 0
    assert run_of().changed == 0


def test_errors_are_cleaned() -> None:
    """Colour directives go, what is told twice or only echoes another message is left out; the rest stays, in order."""
    run = run_of(
        said("<{%fg 1%}>the config is refused by promtool<{%reset%}>\nnext: mend the spec\n<{%reset%}>"),
        said("the config is refused by promtool\nnext: mend the spec"),
        said("update failed"),
        said("an unhandled error occurred: the program exited with a non-zero exit code"),
        said("<{%reset%}><{%reset%}>"),
        said("port 9090 is taken"),
        said("a plugin is old", "warning"),
        said("a plugin is old", "warning"),
        said("collecting", "info"),
        said("[DEBUG] found cached client", "debug"),
    )
    assert run.errors == ["the config is refused by promtool\nnext: mend the spec", "port 9090 is taken"]
    assert run.warnings == ["a plugin is old"]
    assert run.steps == {}


def test_other_events_move_nothing() -> None:
    """The log's first and last lines."""
    others: dict[str, dict[str, object]] = {
        "preludeEvent": {"config": {}},
        "cancelEvent": {},
        "stdoutEvent": {"message": "x", "color": ""},
    }
    for event in ({kind: content} for kind, content in others.items()):
        assert Run().take(EngineEvent.from_json({"timestamp": 1, **event})) is None


def test_what_passes_is_no_message() -> None:
    """What a provider does at the moment belongs to its step, and is neither a warning nor an error; of a resource that
    nobody knows, or that is done, it is nothing."""
    play = urn("runner-1-play", PLAY)
    begun = step(PRE, "create", "runner-1-play", PLAY, parent="")
    run = run_of(begun, doing("a task", play), doing("x", urn("y", PLAY)))
    assert run.steps[play].doing == "a task"
    assert (run.errors, run.warnings) == ([], [])
