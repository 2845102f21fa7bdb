"""Whether the machine has the memory that the environment's containers may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from pointsman.checks import Check, failed, passed
from pointsman.preflight.engine import Look
from pointsman.preflight.names import Owner
from pointsman.services import labels

NAME = "memory"
MIB = 2**20
# Measured: a dev estate at rest uses 130 MiB of its 1376 MiB, a tenth; with some load, a quarter.
START_SHARE = 0.25


@dataclass(frozen=True)
class MemoryFacts:
    """Bytes: the sum of all limits, that of the containers which do not run yet, and what the machine has.

    `available` is None for a machine elsewhere, of which only the total is known.
    """

    limits: int
    to_start: int
    total: int
    available: int | None


def check(most: Mapping[str, int], whose: Owner, seen: Look) -> Check:
    """Whether all containers can start, with a remark when they may not all grow to their limits.

    `most` is the limit of each service's and each host's container, in bytes.
    """
    running = set()
    if seen.facts:
        own = [each for each in seen.facts.containers if each.running and whose.owns(each.labels)]
        running = {each.labels.get(labels.SERVICE) or each.labels.get(labels.HOST) for each in own}
    total, available = seen.facts.memory if seen.facts else 0, None
    if seen.is_here or seen.facts is None:
        here = psutil.virtual_memory()
        total, available = here.total, here.available
    limits = sum(most.values())
    to_start = sum(memory for name, memory in most.items() if name not in running)
    return judge(MemoryFacts(limits, to_start, total, available), whose.file)


def judge(facts: MemoryFacts, file: str) -> Check:
    """The check, from facts alone. Limits are not reservations: only what a start needs must be free."""
    limits = f"limits of all containers {facts.limits / MIB:.0f} MiB"
    room, word = (facts.total, "in total") if facts.available is None else (facts.available, "available")
    seen = f"{room / MIB:.0f} MiB {word}, {limits}"
    if room < START_SHARE * facts.to_start:
        return failed(
            NAME,
            seen,
            expected=f"at least {START_SHARE * facts.to_start / MIB:.0f} MiB for the start",
            remedy=f"free some memory, or give services less of it (resources.memory in {file})",
        )
    if room < facts.to_start:
        return passed(NAME, f"{seen}: enough to start, but under load the kernel may end a container")
    return passed(NAME, seen)
