"""Judgement on the clock and on inotify, and what this very kernel says of both."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pointsman.checks import Outcome
from pointsman.preflight import clock, inotify
from pointsman.preflight.clock import ClockFacts, Dated
from pointsman.preflight.facts import ahead
from pointsman.preflight.inotify import InotifyFacts, Limits

NOON = 1_700_000_000.0


def test_a_clock_behind_what_was_written() -> None:
    """The newest thing of the future is named with both dates; a minute may be another machine's clock."""
    newest = [Dated("stacks/dev.yaml", NOON + 90), Dated("commit abc", NOON + 7200)]
    found = clock.judge(ClockFacts(NOON, newest=newest))
    assert found.outcome is Outcome.FAIL
    assert "it is 2023-11-14 22:13:20 UTC, but commit abc is of 2023-11-15 00:13:20 UTC" in found.seen
    assert clock.judge(ClockFacts(NOON, newest=[Dated("commit abc", NOON + 59)])).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("engine", "outcome", "words"),
    [
        (0.0, Outcome.PASS, "less than 1 s away"),
        (-0.9, Outcome.PASS, "less than 1 s away"),
        (2.5, Outcome.FAIL, "2.5 s ahead of"),
        (-3600, Outcome.FAIL, "3600.0 s behind"),
    ],
)
def test_the_engines_clock(engine: float, outcome: Outcome, words: str) -> None:
    """An engine in a virtual machine that slept is told with the side and the distance."""
    found = clock.judge(ClockFacts(NOON, engine))
    assert found.outcome is outcome
    assert words in found.seen


@pytest.mark.parametrize(("kept", "words"), [(True, ", kept by NTP"), (False, ", not kept by NTP"), (None, "UTC")])
def test_who_keeps_the_clock_is_information(kept: bool | None, words: str) -> None:
    """A clock that nobody keeps may be right."""
    found = clock.judge(ClockFacts(NOON, kept=kept))
    assert found.outcome is Outcome.PASS
    assert found.seen.endswith(words)


def test_a_slow_answer_is_no_distance() -> None:
    """The engine told its time somewhere between question and answer; only what lies outside is a difference."""
    told = "2023-11-14T22:13:20.123456789Z"
    assert ahead(told, NOON - 3, NOON + 3) == 0
    assert ahead(told, NOON + 5, NOON + 6) == pytest.approx(-4.876, abs=0.001)
    assert ahead(told, NOON - 6, NOON - 5) == pytest.approx(5.123, abs=0.001)
    assert ahead("", NOON, NOON) is None


def test_this_kernels_clock_can_be_asked() -> None:
    """The structure fits: a wrong one would crash or give nonsense, nothing is set by asking."""
    assert clock.kept_by_kernel() in (True, False, None)


@pytest.mark.parametrize(
    ("used", "needed", "outcome"),
    [
        (Limits(100, 100), 14, Outcome.PASS),
        (Limits(120, 120), 14, Outcome.FAIL),
        (None, 14, Outcome.PASS),
        (None, 200, Outcome.FAIL),
    ],
)
def test_inotify(used: Limits | None, needed: int, outcome: Outcome) -> None:
    """What is in use and what is needed must fit; the remedy names the limit that is short and no other."""
    found = inotify.judge(InotifyFacts(Limits(128, 8192), used, needed))
    assert found.outcome is outcome
    assert ("only root may see" in found.seen) is (used is None)
    assert ("fs.inotify.max_user_instances=512" in found.remedy) is (outcome is Outcome.FAIL)
    assert "watches" not in found.remedy


def test_inotify_in_use(tmp_path: Path) -> None:
    """Instances are counted by open files of the user's processes, watches by what the kernel tells of each."""
    fds, told = tmp_path / "7" / "fd", tmp_path / "7" / "fdinfo"
    fds.mkdir(parents=True)
    told.mkdir()
    (tmp_path / "self").mkdir()
    for number, target in (("3", "anon_inode:inotify"), ("4", "/dev/null"), ("5", "anon_inode:inotify")):
        (fds / number).symlink_to(target)
        (told / number).write_text("pos:\t0\ninotify wd:2 ino:1\ninotify wd:1 ino:2\n")
    assert inotify.in_use(os.geteuid(), tmp_path) == Limits(2, 4)
    assert inotify.in_use(os.geteuid() + 1, tmp_path) == Limits(0, 0)
