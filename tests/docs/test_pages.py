"""What the pages name exists: files, links, commands and targets; and what is generated is up to date."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from pointsman.cli import reference
from pointsman.cli.app import app
from tests.docs.markdown import CHECKOUT, Page, pages

PAGES = [page.name for page in pages()]
TOP = {path.name for path in CHECKOUT.iterdir()}
# What a page may say of paths that are not files of the clone.
_PLACEHOLDER = re.compile(r"[<>*…$~ ]|^\.venv/|^tests/benchmarks")


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    """Each link of a page leads to a file of the checkout, each anchor to a heading of it."""
    page, folder = Page(name), (CHECKOUT / name).parent
    lost = []
    for path, anchor in page.links:
        target = (folder / path).resolve() if path else CHECKOUT / name
        there = target.is_file() and (not anchor or anchor in Page(str(target.relative_to(CHECKOUT))).anchors)
        lost += [] if there else [f"{path}#{anchor}"]
    assert lost == []


@pytest.mark.parametrize("name", PAGES)
def test_paths_exist(name: str) -> None:
    """What looks like a path of the clone, because its first part is there, is a file or folder."""
    paths = [code for code in Page(name).codes if "/" in code and not _PLACEHOLDER.search(code)]
    named = [path for path in paths if path.partition("/")[0] in TOP]
    invented = {
        "stacks/staging.yaml",
        "stacks/de.yaml",
        "stacks/trial.yaml",
        "inventory/trial",
        "inventory/trial/host_vars/",
    }
    assert [path for path in named if path not in invented and not (CHECKOUT / path).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_commands_exist(name: str) -> None:
    """Every `pointsman` command of a page, in a block or in its prose, is one, with options that it has; every target
    of `make` stands in the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    for words in _commands(Page(name)):
        if words[0] == "make":
            assert [word for word in words[1:] if "=" not in word and word not in targets] == [], words
        else:
            _parse(typer.main.get_command(app), words[1:])


def _commands(page: Page) -> Iterator[list[str]]:
    lines = [line for block in page.blocks if block.language in ("sh", "console") for line in block.text.splitlines()]
    for text in [*lines, *page.codes]:
        for found in re.findall(r'(?:^|[ "(]|\.venv/bin/)((?:pointsman|make) [a-z][^|)"…]*)', text.removeprefix("$ ")):
            yield shlex.split(found)


def _parse(command: Any, words: list[str]) -> None:
    """Fails unless the words are a command of the tree with its own options."""
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    assert not (words and getattr(command, "commands", {})), f"no command {words}"
    options = {name for each in command.params for name in each.opts} | {"--help"}
    assert [word for word in words if word.startswith("-") and word not in options] == [], words


@pytest.mark.parametrize("name", reference.pages())
def test_generated_pages_are_up_to_date(name: str) -> None:
    """A generated page is what its code writes now: `python -m pointsman.cli.reference` renews it."""
    assert (CHECKOUT / reference.FOLDER / name).read_text(encoding="utf-8") == reference.pages()[name]


def test_pictures_belong_to_nobody() -> None:
    """No picture loads anything from the network, and none shows a path or name of the machine that it was made on."""
    for picture in (CHECKOUT / "docs" / "images").glob("*.svg"):
        text = picture.read_text(encoding="utf-8")
        addresses = set(re.findall(r"https?://[^\"'<& )]+", text))
        assert {each for each in addresses if not each.startswith(("http://www.w3.org/", "http://127.0.0.1:"))} <= {
            "https://www.textualize.io"
        }
        assert re.search(r"/(root|home|tmp|work)/|-trial|@font-face", text) is None
