"""URLs of repositories and organisations, and where their API is."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.errors import UsageError
from pointsman.github import Organisation, Repository, Scope


@pytest.mark.parametrize(
    ("url", "of", "api"),
    [
        ("https://github.com/acme/app", Repository("acme", "app"), "https://api.github.com"),
        ("https://github.com/acme/app.git", Repository("acme", "app"), "https://api.github.com"),
        ("https://github.com/acme/", Organisation("acme"), "https://api.github.com"),
        ("https://git.example.org/acme", Organisation("acme"), "https://git.example.org/api/v3"),
        ("http://github:8080/acme/app", Repository("acme", "app"), "http://github:8080/api/v3"),
        ("http://127.0.0.1:8080/acme/app", Repository("acme", "app"), "http://127.0.0.1:8080/api/v3"),
    ],
)
def test_a_url_names_what_runners_belong_to(url: str, of: Repository | Organisation, api: str) -> None:
    """github.com has its API at another host, an own server below its address."""
    scope = Scope.parse(url)
    assert (scope.of, scope.api_url) == (of, api)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("github.com/acme/app", "names no repository"),
        ("https://github.com", "names no repository"),
        ("https://github.com/acme/app/actions", "names no repository"),
        ("https://github.com/acme/..", "names no repository"),
        ("https://github.com/-acme/app", "names no repository"),
        ("https://github.com/acme?x=1", "names no repository"),
        ("https://user:swordfish@github.com/acme/app", "has credentials in it"),
        ("http://github.example.org/acme/app", "unencrypted"),
        ("http://8.8.8.8/acme/app", "unencrypted"),
    ],
)
def test_other_urls_are_refused(url: str, said: str) -> None:
    """Each with what is expected, and never with a password."""
    with pytest.raises(UsageError, match=said) as caught:
        Scope.parse(url)
    assert caught.value.remedy
    assert "swordfish" not in str(caught.value)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40).map(lambda path: f"https://github.com/{path}"))
def test_nothing_gets_into_a_path_by_a_name(url: str) -> None:
    """Whatever is written: a scope whose names need no quoting, or a message."""
    try:
        scope = Scope.parse(url)
    except UsageError:
        return
    assert str(scope).replace("/", "").replace("-", "").replace(".", "").replace("_", "").isalnum()


def test_the_import_is_light() -> None:
    """githubkit and httpx, 0.5 s, are imported when a client is made, not with the package."""
    code = "import sys, pointsman.github; sys.exit(bool({'githubkit', 'httpx', 'nacl', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0
