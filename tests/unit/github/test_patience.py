"""Waiting is bounded whatever GitHub says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.errors import PointsmanError
from pointsman.github import Clock, Patience, Scope
from pointsman.github.calls import WRITE_RUNNERS, Call
from pointsman.github.errors import MissingPermission, RateLimited
from pointsman.github.failures import Answer, Lost, explained

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SCOPE = Scope.parse("https://github.com/acme/app")
CALL = Call("do this", WRITE_RUNNERS)
TEXT = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset", "date", "x-oauth-scopes"]),
    st.one_of(TEXT, st.integers(-10, 2**40).map(str), st.just("Fri, 02 Jan 2026 03:05:05 GMT")),
)
ANSWERS = st.builds(Answer, st.integers(300, 599), HEADERS, TEXT)
LOST = st.builds(Lost, TEXT, st.booleans())


def at(random: float) -> Clock:
    """A clock at NOW with that chance."""
    return Clock(now=lambda: NOW, random=lambda: random)


@settings(max_examples=50, deadline=None)
@given(st.one_of(ANSWERS, LOST), st.booleans(), st.floats(0, 0.999))
def test_waits_are_within_the_budget(failure: Answer | Lost, repeatable: bool, random: float) -> None:
    """However often the same failure comes: no more tries than allowed, and not more waiting."""
    patience, waited, tries = Patience(tries=7, budget=20), 0.0, 1
    while (wait := patience.wait(failure, repeatable, tries, waited, at(random))) is not None:
        assert wait >= 0
        waited, tries = waited + wait, tries + 1
    assert waited <= 20
    assert tries <= 7


@settings(max_examples=50, deadline=None)
@given(st.one_of(ANSWERS, LOST), st.booleans(), st.integers(1, 9))
def test_every_failure_is_explained(failure: Answer | Lost, repeatable: bool, tries: int) -> None:
    """Each is an error with a message, a next step and an exit code; never another exception."""
    error = explained(Call("do this", WRITE_RUNNERS, repeatable), SCOPE, failure, NOW, tries)
    assert isinstance(error, PointsmanError)
    assert error.message.startswith("can't do this")
    assert error.remedy
    assert error.exit_code in (1, 2, 3)


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry-after": "17"}, 17),
        ({"retry-after": "Fri, 02 Jan 2026 03:04:25 GMT"}, 20),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 90)}, 90),
        # The server's clock is a minute ahead of this machine's: it counts.
        (
            {
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(int(NOW.timestamp()) + 90),
                "date": "Fri, 02 Jan 2026 03:05:05 GMT",
            },
            30,
        ),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, 0),
        ({}, 60),
        ({"retry-after": "soon"}, 60),
    ],
)
def test_how_long_github_asks_to_wait(headers: dict[str, str], pause: float) -> None:
    """Retry-After first, as seconds or as a date, then the reset; a minute where it says nothing."""
    assert Answer(429, headers).pause(NOW) == pause


def test_403_for_the_rate_and_403_for_rights() -> None:
    """The status is the same, what to do is not."""
    spent = Answer(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 9)})
    assert isinstance(explained(CALL, SCOPE, spent, NOW), RateLimited)
    denied = Answer(403, {"x-ratelimit-remaining": "4999", "x-oauth-scopes": "gist"}, "Must have admin rights")
    error = explained(CALL, SCOPE, denied, NOW)
    assert isinstance(error, MissingPermission)
    assert "it has gist" in error.message
    sso = explained(CALL, SCOPE, Answer(403, {"x-github-sso": "required; url=…"}), NOW)
    assert "single sign-on" in sso.message
