"""Secrets that the spec names are looked at before anything is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointsman.checks import Outcome
from pointsman.preflight import secrets
from pointsman.spec.reader import parse
from tests.unit.github.world import TOKEN

SPEC = """\
alertmanager:
  receivers:
    - {{kind: slack, name: chat, webhook_url: {{file: {folder}/slack}}}}
    - {{kind: discord, name: lounge, webhook_url: {{environment: POINTSMAN_TEST_DISCORD}}}}
    - {{kind: email, name: duty, to: a@b, sender: c@d, smarthost: "e:1", username: f,
       password: {{file: {folder}/smtp}}}}
    - {{kind: github_issue, name: issues, repository: a/b, token: {{file: {folder}/token}}}}
"""


@pytest.fixture
def good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all secrets of SPEC, each of its own kind."""
    monkeypatch.setenv("POINTSMAN_TEST_DISCORD", "https://discord.example.org/hook")
    for name, text in {"slack": "https://slack.example.org/x", "smtp": "pass word", "token": TOKEN.reveal()}.items():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_all_there(good: Path) -> None:
    """How many there are; none of a spec without any."""
    found = secrets.check("dev", parse(SPEC.format(folder=good), "f"))
    assert (found.outcome, found.seen) == (Outcome.PASS, "4 readable")
    assert secrets.check("dev", parse("{}", "f")).seen == "none is named"


def test_each_that_is_wrong_is_told_with_file_and_key(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file, an unset variable, an open file and a token that is none: all at once, and no value."""
    (good / "slack").unlink()
    (good / "smtp").chmod(0o644)
    (good / "token").write_text("hunter2")
    monkeypatch.delenv("POINTSMAN_TEST_DISCORD")
    found = secrets.check("dev", parse(SPEC.format(folder=good), "f"))
    assert found.outcome is Outcome.FAIL
    for place, key in enumerate(("webhook_url.file", "webhook_url.environment", "password.file", "token.file")):
        assert f"stacks/dev.yaml: alertmanager.receivers[{place}].{key}: " in found.seen
    assert f"{good}/slack does not exist" in found.seen
    assert "hunter2" not in found.seen + found.remedy


def test_every_secret_of_a_spec_is_looked_at() -> None:
    """None that a service is given is left out."""
    from tests.unit.services.cases import CASES

    for case in CASES.values():
        given = [source for each in case.estate.services if each.config for source in each.config.secrets.values()]
        named = {secret.file or secret.environment for _, secret in secrets.named_in(case.spec)}
        assert {source.file or source.environment for source in given if not source.generated} <= named
