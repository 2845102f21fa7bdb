"""The token: where it may come from, how it is proved, and that it never shows."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.errors import UsageError
from pointsman.github import GitHubClient, Secret, Use, preflight, read_secret, read_token
from pointsman.github.credentials import expiry, kind
from pointsman.github.errors import BadToken, MissingPermission
from tests.standins.github_server.access import Grant
from tests.standins.github_server.serving import Standin
from tests.unit.github.world import TOKEN


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=4).filter(lambda text: text not in "Secret(***)"))
def test_a_secret_never_shows(text: str) -> None:
    """Not printed, formatted or nested, and neither JSON nor pickle take it."""
    secret = Secret(text)
    shown = f"{secret} {secret!r} {secret:>20} {[secret]} %s" % secret
    assert text not in shown.replace("***", "").replace("Secret()", "")
    assert secret == Secret(text)
    assert secret.reveal() == text
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_token_file(mode: int, tmp_path: Path) -> None:
    """Read without the line's end; the group may read it, as with a mounted secret."""
    path = tmp_path / "token"
    path.write_text(f"{TOKEN.reveal()}\n")
    path.chmod(mode)
    token = read_token(file=path)
    assert token == TOKEN
    assert token.origin == f"file {path}"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666, 0o620, 0o602])
def test_a_token_file_for_everyone_is_refused(mode: int, tmp_path: Path) -> None:
    """Others may neither read nor write it; the command that helps is given."""
    path = tmp_path / "token"
    path.write_text(TOKEN.reveal())
    path.chmod(mode)
    with pytest.raises(UsageError, match=f"mode {mode:04o}") as caught:
        read_token(file=path)
    assert f"chmod 600 {path}" in caught.value.remedy


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("${GITHUB_TOKEN}", "placeholder"),
        ("{{ vault_github_token }}", "placeholder"),
        ("<your token here, forty letters at the least>", "placeholder"),
        ("changeme", "placeholder"),
        ("ghp_" + "x" * 36, "placeholder"),
        (f"{TOKEN.reveal()}\n{TOKEN.reveal()}", "more than one word"),
        (f"GITHUB_TOKEN: {TOKEN.reveal()}", "more than one word"),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZ234", "registration token is no GitHub token"),
        ("é" * 50, "letters that no token has"),
    ],
)
def test_what_can_be_no_token(content: str, said: str, tmp_path: Path) -> None:
    """Said before GitHub is asked, without showing what it is."""
    path = tmp_path / "token"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(UsageError, match=said) as caught:
        read_token(file=path)
    assert not content.strip() or content.strip() not in str(caught.value)


def test_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, a folder, binary, unset, or from two places."""
    with pytest.raises(UsageError, match="does not exist"):
        read_token(file=tmp_path / "none")
    with pytest.raises(UsageError, match="can't be read"):
        read_token(file=tmp_path)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff" * 50)
    binary.chmod(0o600)
    with pytest.raises(UsageError, match="it is no text"):
        read_token(file=binary)
    with pytest.raises(UsageError, match="POINTSMAN_TEST_TOKEN holds no token"):
        read_token(environment="POINTSMAN_TEST_TOKEN")
    monkeypatch.setenv("POINTSMAN_TEST_TOKEN", TOKEN.reveal())
    assert read_token(environment="POINTSMAN_TEST_TOKEN") == TOKEN
    for wrong in ({}, {"file": binary, "environment": "POINTSMAN_TEST_TOKEN"}):
        with pytest.raises(UsageError, match="one file or one environment variable"):
            read_token(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "content", "said"),
    [
        ("address", "", "is empty"),
        ("address", "hooks.example.org/hunter2", "does not begin with https://"),
        ("address", "https://a b/hunter2", "has a space in it"),
        ("password", "hunter2\nhunter2", "more than one line"),
        ("password", "  \n", "is empty"),
    ],
)
def test_a_secret_that_can_be_none(tmp_path: Path, what: str, content: str, said: str) -> None:
    """It is told by its file, and never shown."""
    path = tmp_path / "secret"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(UsageError, match=said) as caught:
        read_secret(what, file=path)
    assert str(path) in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_secrets_that_are_no_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short ones, and passwords with spaces inside; a file that others read is refused as for a token."""
    path = tmp_path / "secret"
    path.write_text("correct horse\n")
    path.chmod(0o600)
    assert read_secret("password", file=path).reveal() == "correct horse"
    monkeypatch.setenv("POINTSMAN_TEST_ADDRESS", "https://hooks.example.org/a")
    assert read_secret("address", environment="POINTSMAN_TEST_ADDRESS").reveal() == "https://hooks.example.org/a"
    path.chmod(0o644)
    with pytest.raises(UsageError, match=r"the password file .* can be read or written by others"):
        read_secret("password", file=path)


def test_preflight_proves_the_token(standin: Standin, github: GitHubClient) -> None:
    """Kind, scopes, expiry and what it may do; nothing is there afterwards that was not before."""
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    standin.app.access.grants[TOKEN.reveal()] = Grant(scopes="repo, admin:org", expires=expires)
    report = preflight(github, TOKEN, list(Use))
    assert (report.kind, report.scopes, report.expires) == ("classic", ("repo", "admin:org"), expires)
    assert report.proved == tuple(Use)
    assert not standin.app.world.runners
    assert not standin.app.world.secrets


def test_preflight_names_everything_that_is_missing(standin: Standin, github: GitHubClient) -> None:
    """One error for all that the token may not do, with each permission."""
    standin.app.access.grants[TOKEN.reveal()] = Grant(rights={"actions": "read", "administration": "read"})
    with pytest.raises(MissingPermission) as caught:
        preflight(github, TOKEN, list(Use))
    assert caught.value.permission == "administration=write, secrets=read"
    assert "Administration: read and write" in caught.value.remedy
    assert "Secrets: read" in caught.value.remedy
    standin.app.access.grants.clear()
    with pytest.raises(BadToken):
        preflight(github, TOKEN)


def test_an_expired_token(standin: Standin, github: GitHubClient) -> None:
    """GitHub tells it no differently from a wrong one."""
    standin.app.access.grants[TOKEN.reveal()] = Grant(expires=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(BadToken, match="expired"):
        preflight(github, TOKEN)


def test_kinds_and_expiry() -> None:
    """As GitHub marks them."""
    assert [kind(Secret(each)) for each in ("ghs_1", "github_pat_1", "0" * 40)] == [
        "app installation",
        "fine-grained",
        "unknown",
    ]
    expected = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for text in ("2026-03-01 12:00:00 UTC", "2026-03-01 14:00:00 +0200"):
        assert expiry({"github-authentication-token-expiration": text}) == expected
    assert expiry({}) is None
