"""What the client does when GitHub is in trouble: tries again, gives up in time, and says what to do."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from pointsman.errors import EXIT_UNREACHABLE, EXIT_USAGE, PointsmanError
from pointsman.github import GitHubClient, Patience, Scope, Secret, connect
from pointsman.github.errors import (
    BadToken,
    GitHubDown,
    MaybeDone,
    MissingPermission,
    RateLimited,
    Refused,
    Unsteady,
)
from tests.standins.github_server.access import Grant
from tests.standins.github_server.serving import Standin
from tests.unit.github.world import TOKEN, StoppedClock, scope_of

LIST_RUNNERS = "actions/list-self-hosted-runners-for-repo"


def strike(standin: Standin, **wanted: Any) -> None:
    """Sets a fault."""
    standin.app.faults.add(wanted)


@pytest.mark.parametrize(
    ("fault", "slept"),
    [
        ({"kind": "status", "status": 502, "html": True, "times": 2}, [0.25, 0.5]),
        ({"kind": "status", "status": 503, "times": 1}, [0.25]),
        ({"kind": "down", "times": 1}, [0.25]),
        ({"kind": "limit", "status": 429, "retry_after": 7, "times": 1}, [7.5]),
        ({"kind": "limit", "status": 403, "retry_after": 7, "times": 1}, [7.5]),
    ],
    ids=["502 of a proxy", "503", "no answer", "429", "secondary limit"],
)
def test_what_passes_is_tried_again(
    fault: dict[str, Any], slept: list[float], standin: Standin, github: GitHubClient, clock: StoppedClock
) -> None:
    """After a while with jitter, or after what GitHub says; then the list is as if nothing had been."""
    standin.app.world.enlist("acme/app", "one", [])
    strike(standin, **fault)
    assert [runner.name for runner in github.runners.all()] == ["one"]
    assert clock.slept == slept


def test_a_rate_limit_that_ends_soon_is_waited_for(standin: Standin, github: GitHubClient, clock: StoppedClock) -> None:
    """Until GitHub's own time of reset, by its own clock, however wrong this machine's is."""
    clock.moment = clock.moment.replace(year=2020)
    strike(standin, kind="limit", status=403, reset_in=30, times=1)
    github.runners.all()
    (wait,) = clock.slept
    assert 28 < wait < 32


def test_a_rate_limit_that_lasts_is_told_at_once(standin: Standin, github: GitHubClient, clock: StoppedClock) -> None:
    """Nobody waits an hour: the time of reset is told, and it is no question of permissions."""
    strike(standin, kind="limit", reset_in=3000)
    with pytest.raises(RateLimited, match=r"rate limit of core is used up for .* UTC") as caught:
        github.runners.all()
    assert clock.slept == []
    assert caught.value.exit_code == EXIT_UNREACHABLE
    assert caught.value.reset > clock.moment


def test_the_budget_itself(standin: Standin, github: GitHubClient) -> None:
    """A limit that is really used up reads the same as one that was made up."""
    standin.app.world.settings.limit = 2
    github.runners.all()
    github.runners.all()
    with pytest.raises(RateLimited):
        github.runners.all()
    assert github.rate_limits()["core"].left == 0


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 500}, {"kind": "down"}], ids=["500", "no answer"])
def test_patience_ends(fault: dict[str, Any], standin: Standin, github: GitHubClient, clock: StoppedClock) -> None:
    """Five tries, longer and longer apart, then an error that says so."""
    strike(standin, **fault)
    with pytest.raises(GitHubDown, match="5 tries") as caught:
        github.runners.all()
    assert clock.slept == [0.25, 0.5, 1.0, 2.0]
    assert caught.value.exit_code == EXIT_UNREACHABLE


@pytest.mark.parametrize(
    ("fault", "left"),
    [({"kind": "down", "after": True}, 1), ({"kind": "status", "status": 502}, 0)],
    ids=["answer lost", "502"],
)
def test_what_may_have_been_done_is_not_done_twice(
    fault: dict[str, Any], left: int, standin: Standin, github: GitHubClient
) -> None:
    """An issue whose answer is lost is opened once, and the error says to look."""
    strike(standin, path=".*/issues", method="POST", **fault)
    with pytest.raises(MaybeDone, match="may have been done all the same"):
        github.issues().create("runner is offline")
    assert len(github.issues().all()) == left
    assert sum(request["method"] == "POST" for request in standin.app.requests) == 1


def test_what_was_surely_not_done_is_tried_again(standin: Standin, github: GitHubClient) -> None:
    """A rate limit refuses before anything is done: the issue is opened at the second try."""
    strike(standin, kind="limit", status=429, retry_after=1, times=1)
    assert github.issues().create("runner is offline").number == 1


def test_a_line_that_is_dead(standin: Standin) -> None:
    """No answer in time is no answer; the wait is as long as was asked for."""
    strike(standin, kind="slow", seconds=0.5)
    with (
        connect(scope_of(standin, "acme/app"), TOKEN, seconds=0.1, patience=Patience(tries=1)) as github,
        pytest.raises(GitHubDown, match="gave no answer in time"),
    ):
        github.runners.all()


def test_nobody_listens(clock: StoppedClock) -> None:
    """A refused connection was sent nowhere: it is tried again even for what may not be done twice."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        scope = Scope.parse(f"http://127.0.0.1:{free.getsockname()[1]}/acme/app")
    with (
        connect(scope, TOKEN, clock=clock.clock) as github,
        pytest.raises(GitHubDown, match="can't be reached") as caught,
    ):
        github.issues().create("runner is offline")
    assert len(clock.slept) == 4
    assert not isinstance(caught.value, MaybeDone)
    assert "curl" in caught.value.remedy


def test_something_else_answers(standin: Standin, github: GitHubClient) -> None:
    """A proxy's page with 200 is no list of runners."""
    strike(standin, kind="status", status=200, html=True)
    for ask in (github.runners.all, github.rate_limits, lambda: github.issues().create("x")):
        with pytest.raises(GitHubDown, match="not what GitHub publishes"):
            ask()
    standin.app.faults.set.clear()
    strike(standin, kind="status", status=200)
    with pytest.raises(GitHubDown, match="not what GitHub publishes"):
        github.runners.all()


def test_a_list_that_moves_while_it_is_read(
    standin: Standin, github: GitHubClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second page from the past does not fit the first: read again, and given up only when it never fits."""
    monkeypatch.setattr("pointsman.github.wire.PAGE", 2)
    world = standin.app.world
    for number in range(3):
        world.enlist("acme/app", f"runner-{number}", [])
    strike(standin, kind="stale", from_page=2, times=1)
    for number in range(3, 6):
        world.enlist("acme/app", f"runner-{number}", [])
    assert len(github.runners.all()) == 6
    strike(standin, kind="stale", from_page=2)
    world.enlist("acme/app", "runner-6", [])
    with pytest.raises(Unsteady, match="changed each of 3 times"):
        github.runners.all()


def test_a_wholly_stale_list_is_believed(standin: Standin, github: GitHubClient) -> None:
    """Nothing in it tells that it is behind: who needs more must ask again."""
    strike(standin, kind="stale")
    standin.app.world.enlist("acme/app", "new", [])
    assert github.runners.all() == ()


def wrong_token(standin: Standin) -> None:
    """The token is revoked."""
    standin.app.access.grants.clear()


def under_scoped(standin: Standin) -> None:
    """A fine-grained token that may read runners only."""
    standin.app.access.grants[TOKEN.reveal()] = Grant(rights={"administration": "read"})


@pytest.mark.parametrize(
    ("spoil", "kind", "said", "remedy"),
    [
        (wrong_token, BadToken, "does not accept the token", 'permission "Administration: read and write"'),
        (under_scoped, MissingPermission, "GitHub asks for administration=write", "scope repo"),
    ],
)
def test_a_token_that_will_not_do(
    spoil: Callable[[Standin], None],
    kind: type[PointsmanError],
    said: str,
    remedy: str,
    standin: Standin,
    github: GitHubClient,
    clock: StoppedClock,
) -> None:
    """Never tried again; the message names the right that is missing, and no token."""
    spoil(standin)
    with pytest.raises(kind, match=said) as caught:
        github.runners.registration_token()
    assert remedy in caught.value.remedy
    assert caught.value.exit_code == EXIT_USAGE
    assert clock.slept == []
    assert TOKEN.reveal() not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_knows_an_older_version_only(standin: Standin) -> None:
    """The key to set is named."""
    with (
        connect(scope_of(standin, "acme/app"), TOKEN, api_version="2022-11-28") as github,
        pytest.raises(Refused, match="version of the API") as caught,
    ):
        github.runners.all()
    assert "github.api_version" in caught.value.remedy


def test_a_token_in_no_request_but_its_header(standin: Standin, github: GitHubClient) -> None:
    """Neither addresses nor queries hold it."""
    github.runners.all("one")
    github.secrets.put("API_KEY", Secret("swordfish"))
    seen = repr(list(standin.app.requests))
    assert TOKEN.reveal() not in seen
    assert "swordfish" not in seen
