"""Random histories: whatever comes, in whatever quiet hours, over a channel that comes and goes."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pointsman.monitor.alerting.state import Stage
from pointsman.monitor.events import Event, EventKind
from pointsman.monitor.handling import NotNow
from tests.unit.monitor.alerting.test_engine import QUIET
from tests.unit.monitor.alerting.world import World

STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([*EventKind]), st.sampled_from(["a", "b"])),
        st.integers(1, 3000),
        st.sampled_from(["down", "up", "kill"]),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
@example(steps=[(EventKind.FAILED, "b"), "down", (EventKind.COMPLETED, "b")])
def test_every_event_of_a_rule_is_told_and_none_twice(steps: list[tuple[EventKind, str] | int | str]) -> None:
    """As firing, or as over where it was over by then; what is on at the end is what was told to be on last."""
    world = World(QUIET)
    sink = world.sinks["slack"]
    waiting: list[Event] = []
    for ordinal, step in enumerate(steps):
        if isinstance(step, int):
            world.later(seconds=step)
        elif step == "kill":
            world.restart()
        elif isinstance(step, str):
            sink.down = "timeout" if step == "down" else ""
        else:
            # What happens later is seen later, if only by a little: by that an end knows what it ends.
            world.now += timedelta(milliseconds=1)
            waiting.append(world.event(step[0], run=step[1], ordinal=ordinal))
        waiting = [event for event in waiting if not tried(world, event)]
    sink.down = ""
    waiting = [event for event in waiting if not tried(world, event)]
    world.later(hours=5)
    world.later(minutes=6)
    assert waiting == []
    assert [world.state.at_stage("slack", stage) for stage in (Stage.TRYING, Stage.HELD)] == [(), ()]
    began = [alert for alert in sink.alerts if alert.firing]
    assert len({alert.event_id for alert in began}) == len(began)
    on = {(alert.name, alert.labels["run_id"]): alert.firing for alert in sink.alerts}
    for run in ("a", "b"):
        expected = None
        for step in steps:
            if (
                isinstance(step, tuple)
                and step[1] == run
                and step[0] in (EventKind.FAILED, EventKind.COMPLETED, EventKind.DELETED)
            ):
                expected = step[0] is EventKind.FAILED if step[0] is EventKind.FAILED or expected is not None else None
        assert on.get(("RunFailed", run)) is expected


def tried(world: World, event: Event) -> bool:
    """Whether a delivery is through."""
    try:
        world.tell(event)
    except NotNow:
        return False
    return True
