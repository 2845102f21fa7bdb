"""The kernel's limits on watching files, of which following containers' logs takes a part."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pointsman.checks import Check, failed, not_verifiable, passed
from pointsman.preflight.engine import Look
from pointsman.preflight.names import Owner
from pointsman.services import labels
from pointsman.services.model import Service

NAME = "inotify"
LIMITS = Path("/proc/sys/fs/inotify")
PROC = Path("/proc")
# Measured on Docker 20.10: the engine takes one instance, with one watch, for each container whose log is followed.
FOLLOWED = 1
# Under version 2 of control groups containerd takes one more for each container, to learn of its death by memory
# (containerd/cgroups, cgroup2/manager.go).
WATCHED_FOR_MEMORY = 1
# What is proposed where a limit is short: the limit of Kubernetes' own tools (kind, known issues).
PROPOSED = {"max_user_instances": 512, "max_user_watches": 524288}


@dataclass(frozen=True)
class Limits:
    """Of one user: instances and watches, the most or in use."""

    instances: int
    watches: int


@dataclass(frozen=True)
class InotifyFacts:
    """The limits, what the engine's user has in use (None when this user may not see it), and what a start adds."""

    limits: Limits
    used: Limits | None
    needed: int


def check(services: Sequence[Service], whose: Owner, seen: Look) -> Check:
    """Whether the engine may follow all containers that do not run yet."""
    if seen.facts is not None and not seen.is_here:
        return not_verifiable(NAME, "the engine runs on another machine")
    if not LIMITS.is_dir():
        return not_verifiable(NAME, f"this machine has no {LIMITS}")
    running: set[str | None] = set()
    if seen.facts:
        own = [each for each in seen.facts.containers if each.running and whose.owns(each.labels)]
        running = {each.labels.get(labels.SERVICE) for each in own}
    each_needs = FOLLOWED + (WATCHED_FOR_MEMORY if seen.facts and seen.facts.cgroup == "2" else 0)
    user = os.geteuid() if seen.facts and seen.facts.rootless else 0
    return judge(
        InotifyFacts(
            limits=Limits(_limit("max_user_instances"), _limit("max_user_watches")),
            used=in_use(user) if os.geteuid() in (0, user) else None,
            needed=each_needs * sum(each.name not in running for each in services),
        )
    )


def judge(facts: InotifyFacts) -> Check:
    """The check, from facts alone; each instance has one watch."""
    used = facts.used or Limits(0, 0)
    shown = (
        f"{used.instances} of {facts.limits.instances} instances and {used.watches} of {facts.limits.watches} watches "
        "of the engine's user are in use"
        if facts.used
        else f"{facts.limits.instances} instances and {facts.limits.watches} watches a user; what the engine's has in "
        "use only root may see"
    )
    shown += f", {facts.needed} more are needed"
    short = {
        "max_user_instances": used.instances + facts.needed > facts.limits.instances,
        "max_user_watches": used.watches + facts.needed > facts.limits.watches,
    }
    settings = [f"fs.inotify.{name}={PROPOSED[name]}" for name, lacks in short.items() if lacks]
    if not settings:
        return passed(NAME, shown)
    lines = "\\n".join(settings)
    return failed(
        NAME,
        shown,
        expected="an instance and a watch for each container whose log is followed",
        remedy=f"printf '{lines}\\n' | sudo tee /etc/sysctl.d/60-inotify.conf && sudo sysctl --system",
    )


def in_use(user: int, proc: Path = PROC) -> Limits:
    """What the processes of a user have in use; those that end meanwhile are left out."""
    instances = watches = 0
    for process in _processes(user, proc):
        # Gone, or of a kind that even root may not look into.
        with contextlib.suppress(OSError):
            for entry in os.scandir(process / "fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(entry.path) == "anon_inode:inotify":  # noqa: PTH115  thousands of files
                        instances += 1
                        told = (process / "fdinfo" / entry.name).read_text(encoding="ascii")
                        watches += sum(line.startswith("inotify ") for line in told.splitlines())
    return Limits(instances, watches)


def _processes(user: int, proc: Path) -> Iterator[Path]:
    for entry in os.scandir(proc):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == user:
                yield proc / entry.name


def _limit(name: str) -> int:
    return int((LIMITS / name).read_text(encoding="ascii"))
