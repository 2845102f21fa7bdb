"""A signal is followed hop by hop: the first hop where it is lost is the finding."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pointsman.checks import Check, Hop, Outcome
from pointsman.verify.site import Lost, Site

# Each hop takes well below a second on a machine that is not overloaded: batches wait 0.2 s, rules are judged every
# second. What takes longer than this is a fault whether it arrives or not, and nothing waits for it any longer.
LATE_SECONDS = 4.0


@dataclass(frozen=True)
class Sight:
    """One look for a signal at a hop: whether it was there, what was seen, and who did not answer, if anybody."""

    arrived: bool
    seen: str
    silent: str = ""


@dataclass(frozen=True)
class Step:
    """A hop that a signal is to take.

    `service` is where `look` looks, again and again until the signal has arrived; `look` may raise Lost. `needs` are
    the services that must run for the signal to get there: where one does not, nothing is waited for. `late` is how
    many seconds after the hop before it has to be there; `blamed` is whom a loss is laid to, where it is not
    `service`; `remedy` is what helps where the service answers and the signal is not there.
    """

    name: str
    service: str
    expected: str
    look: Callable[[], Sight]
    needs: tuple[str, ...] = ()
    late: float = LATE_SECONDS
    blamed: str = ""
    remedy: str = ""


def follow(site: Site, name: str, steps: Sequence[Step]) -> Check:
    """Follows a signal called `name` until its end, or until a hop is lost; a check with a hop for every step.

    A hop is lost when the signal was not there after the seconds that the step gives it, or at the deadline.
    """
    hops: list[Hop] = []
    for number, step in enumerate(steps, 1):
        hop = _hop(site, step)
        hops.append(hop)
        if hop.outcome is Outcome.FAIL:
            hops += [
                Hop(each.name, each.service, Outcome.NOT_VERIFIABLE, f"lost at {step.name}") for each in steps[number:]
            ]
            where = f"lost at hop {number} of {len(steps)}, {step.name} ({hop.service}): {hop.seen}"
            return _red(site, name, step, hops, where, step.expected)
    for number, (step, hop) in enumerate(zip(steps, hops, strict=True), 1):
        if hop.seconds > step.late:
            where = f"late at hop {number} of {len(steps)}, {step.name} ({step.service}): after {hop.seconds:.1f} s"
            return _red(site, name, step, hops, where, f"{step.expected} within {step.late:.0f} s")
    return Check(name, Outcome.PASS, _shown(hops), service=steps[-1].service, hops=tuple(hops))


def lost_hop(check: Check) -> Hop | None:
    """The hop where the signal of a red check was lost; None where it was only late, or the check follows none."""
    return lost_hop_of(check.hops)


def lost_hop_of(hops: Sequence[Hop]) -> Hop | None:
    """The same for the hops themselves."""
    return next((hop for hop in hops if hop.outcome is Outcome.FAIL), None)


def _hop(site: Site, step: Step) -> Hop:
    started = time.monotonic()
    if state := site.halted(step.service):
        return Hop(step.name, step.service, Outcome.FAIL, state)
    if state := site.halted(*step.needs):
        return Hop(step.name, step.service, Outcome.NOT_VERIFIABLE, state)
    sight = _awaited(site, step)
    seconds = round(time.monotonic() - started, 3)
    if sight.arrived:
        return Hop(step.name, step.service, Outcome.PASS, sight.seen, seconds)
    seen = f"{sight.seen}, after {seconds:.1f} s"
    return Hop(step.name, sight.silent or step.service, Outcome.FAIL, seen, seconds)


def _awaited(site: Site, step: Step) -> Sight:
    sight = Sight(False, "not looked for")
    for _ in site.within(step.late).tries():
        try:
            sight = step.look()
        except Lost as lost:
            sight = Sight(False, lost.seen, silent=lost.who)
            # A service that refuses may soon do better; one that is silent was waited for.
            if not lost.answered:
                break
        if sight.arrived:
            break
    return sight


def _red(site: Site, name: str, step: Step, hops: list[Hop], seen: str, expected: str) -> Check:
    where = (lost_hop_of(hops) or step).service
    # Who does not run or does not answer is to blame for that alone.
    blamed = step.blamed if step.blamed and where == step.service and not site.halted(where) else where
    return Check(
        name,
        Outcome.FAIL,
        seen,
        expected=f"{step.name}: {expected}",
        remedy=(step.remedy if blamed == step.service else "") or site.remedy(blamed),
        service=blamed,
        hops=tuple(hops),
    )


def _shown(hops: Sequence[Hop]) -> str:
    return " → ".join(f"{hop.name} {hop.seconds:.2f} s" for hop in hops)
