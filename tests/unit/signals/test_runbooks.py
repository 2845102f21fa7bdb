"""The runbooks can be followed: their commands are commands, their links lead somewhere, their keys are the spec's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from pointsman.cli.app import app
from pointsman.signals import reference
from pointsman.signals.catalogue import alerts, every_group
from pointsman.signals.model import Alert
from pointsman.spec.mistakes import key_path
from pointsman.spec.models import Environment
from pointsman.spec.run_alerts import BUILT_IN
from pointsman.spec.schema import known_keys

CHECKOUT = Path(__file__).parents[3]
FOLDER = CHECKOUT / "runbooks"
PAGES = sorted(path.name for path in FOLDER.glob("*.md"))
SUBJECTS = {
    "runners-offline": "5–15",
    "runners-degraded": "2–10",
    "runners-secrets": "10–20",
    "runners-network": "5–20",
}
GROUPS = every_group(Environment())
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

every_page = pytest.mark.parametrize("name", PAGES)


def commands(text: str) -> Iterator[list[str]]:
    """Every `pointsman` command of a page, in blocks and in its prose."""
    blocks = [block for language, block in _FENCE.findall(text) if language == "console"]
    lines = [line for block in blocks for line in block.splitlines()]
    for each in [*lines, *re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))]:
        if each.removeprefix("$ ").startswith("pointsman "):
            yield shlex.split(each.removeprefix("$ "))


def parse(command: Any, words: list[str]) -> None:
    """Fails unless the words are a command of the tree that takes these options and arguments."""
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    assert not getattr(command, "commands", {}), f"no command {words}"
    # Click's own parser: unknown options, missing values and superfluous arguments all raise.
    command.make_context("pointsman", list(words), resilient_parsing=False).close()


@every_page
def test_every_command_is_one(name: str) -> None:
    """With options that it has and arguments that it takes."""
    for words in commands((FOLDER / name).read_text()):
        parse(typer.main.get_command(app), words[1:])


@every_page
def test_every_link_leads_somewhere(name: str) -> None:
    """To a page that is there; an anchor to a heading of it."""
    for path, anchor in re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)", (FOLDER / name).read_text()):
        target = FOLDER / path if path else FOLDER / name
        assert target.is_file(), path
        titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
        assert not anchor or anchor in {title.lower().replace(" ", "-") for title in titles}, (path, anchor)


@every_page
def test_every_key_is_one_of_the_spec(name: str) -> None:
    """A threshold that a page names can be found where it says."""
    keys = {key_path(at) for at in known_keys()}
    named = re.findall(r"`((?:alerts|prometheus|loki|tempo|collector|runners)\.[a-z_.]+)`", (FOLDER / name).read_text())
    assert [key for key in named if key not in keys] == []


def test_times_are_those_of_the_subject() -> None:
    """What the overview promises for runners, each page of the subject says."""
    for group in GROUPS:
        for alert in group.rules:
            if isinstance(alert, Alert) and group.name in SUBJECTS:
                page = (FOLDER / f"{alert.name}.md").read_text()
                assert f"Expected time to remedy: {SUBJECTS[group.name]} minutes." in page, alert.name


def test_the_first_line_is_the_alert_s() -> None:
    """Severity, owner and board of a page are those of its alert."""
    for alert in alerts(GROUPS):
        if alert.severity != "none":
            head = (FOLDER / f"{alert.name}.md").read_text().partition("## Meaning")[0]
            assert f"Severity {alert.severity}, owner {alert.owner}, board `{alert.dashboard}`." in head


def test_what_the_run_monitor_tells_by_itself_has_a_page() -> None:
    """Each rule that holds without a file, with its severity."""
    for name, rule in BUILT_IN.items():
        page = FOLDER / f"{name}.md"
        assert str(rule.runbook).endswith(f"/runbooks/{page.name}")
        assert f"\n\nSeverity {rule.severity}, told by the run monitor itself." in page.read_text()


def test_the_quick_reference_fits_on_a_page() -> None:
    """Sixty lines of a table in small print, at most."""
    assert len((FOLDER / "quick-reference.md").read_text().splitlines()) <= 60


def test_the_reference_is_up_to_date() -> None:
    """`python -m pointsman.signals.reference > docs/reference/alerts.md` renews it."""
    assert (CHECKOUT / "docs/reference/alerts.md").read_text() == reference.page(GROUPS)
