"""Whatever a spec is turned into, reading it ends in an Environment or in mistakes with a place, never a traceback."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pointsman.spec.mistakes import SpecError
from pointsman.spec.models import Environment
from pointsman.spec.reader import parse
from pointsman.spec.render import resolved_yaml

FULL = Environment.model_validate(
    {
        "images": {"registry": "mirror.example.org:5000"},
        "prometheus": {
            "external_labels": {"environment": "dev", "zone": "no"},
            "extra_targets": [
                {"job": "builds", "targets": ["build-1:9100", "build-2:9100"], "labels": {"team": "platform"}},
                {"job": "edge", "targets": ["edge:9100"]},
            ],
            "remote_write": [{"url": "https://store.example.org/api/v1/write"}],
        },
        "alertmanager": {
            "receivers": [
                {"name": "on-call", "url": "https://pager.example.org/hook", "severities": ["critical"]},
                {"name": "chat", "url": "http://chat:8080/alerts"},
                {"kind": "slack", "name": "team", "webhook_url": {"file": "/etc/slack"}},
                {"kind": "github_issue", "name": "issues", "repository": "acme/app", "token": {"environment": "T"}},
            ],
            "routes": [{"receiver": "team", "owners": ["a"], "matchers": ['job=~"a|b"'], "mute_times": ["nights"]}],
            "mute_times": [{"name": "nights", "hours": [{"begin": "00:00", "end": "06:00"}]}],
        },
        "exporters": {
            "blackbox": {"probes": [{"job": "sites", "module": "tcp_connect", "targets": ["https://a", "b:1"]}]},
        },
    }
)
TEXT = resolved_yaml(FULL)
DOCUMENT = yaml.safe_load(TEXT)
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 9090, 10**30, 1.5, float("nan"), float("inf"), "", "on", "9090", "-1d", "15x", "1h", "2GiB",
    "a\nb", "\u202e", "\U0001f600", [], [1], ["a:1"], {}, {"a": {"b": []}}, {1: 2}, {None: None}, b"\x00",
)  # fmt: skip
FRAGMENTS = (
    "\t", "\n", " ", ":", ": ", "- ", "#", "'", '"', "{", "}", "[", "]", "&a ", "*a", "<<: ", "!", "!!int ", "!!map ",
    "!!binary ", "!!set ", "%", "@", "`", "|", ">", "---\n", "...\n", "? ", "\0", "\x85", "\u2028", "\ufeff", "\ud7ff",
    "\r", "0x", "0b_", "010", "1:30", "1e3", ".inf", "~", "=", "2024-13-45", "on", "=: ", "\\ud800", '"\\x"', "9" * 200,
)  # fmt: skip


def refusal(text: str) -> SpecError | None:
    """What the reader says against a text."""
    try:
        parse(text, "stacks/dev.yaml")
    except SpecError as error:
        return error
    return None


def check(text: str) -> None:
    """Read a text; if there are mistakes, each has a place in the text and says what was expected, in our words."""
    if error := refusal(text):
        lines = max(1, len(text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")))
        assert error.mistakes
        for mistake in error.mistakes:
            assert 1 <= mistake.line <= lines
            assert mistake.column >= 1
            assert mistake.expected
            assert mistake.problem
        printed = str(error)
        assert "pydantic" not in printed
        assert "Input should" not in printed
        assert "not permitted" not in printed


def containers(value: Any) -> Iterator[dict[Any, Any] | list[Any]]:
    """All mappings and lists of a document that hold something."""
    if isinstance(value, dict | list) and value:
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from containers(child)


def drop(inside: Any, at: Any, random: Random) -> None:
    """Remove a key or an item."""
    del inside[at]


def replace(inside: Any, at: Any, random: Random) -> None:
    """Put some other value."""
    inside[at] = copy.deepcopy(random.choice(VALUES))


def rename(inside: Any, at: Any, random: Random) -> None:
    """Misspell a key; an item is repeated."""
    if isinstance(inside, list):
        inside.append(copy.deepcopy(inside[at]))
        return
    key = str(at)
    place = random.randrange(len(key) + 1)
    inside[key[:place] + random.choice(["", "x", "-", " ", "."]) + key[place + 1 :]] = inside.pop(at)


MUTATIONS: tuple[Callable[[Any, Any, Random], None], ...] = (drop, replace, rename)


@settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(random=st.randoms(use_true_random=False), count=st.integers(1, 6))
def test_changed_documents(random: Random, count: int) -> None:
    """Keys dropped, misspelt and given values of every type."""
    document = copy.deepcopy(DOCUMENT)
    for _ in range(count):
        if inside := random.choice([*containers(document), None]):
            at = random.choice(list(inside)) if isinstance(inside, dict) else random.randrange(len(inside))
            random.choice(MUTATIONS)(inside, at, random)
    check(yaml.dump(document, Dumper=DUMPER, allow_unicode=True))


@settings(max_examples=600, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(random=st.randoms(use_true_random=False), count=st.integers(1, 4))
def test_changed_text(random: Random, count: int) -> None:
    """Text cut, doubled and mixed with what means something in YAML."""
    text = TEXT
    for _ in range(count):
        start = random.randrange(len(text) + 1)
        end = start + random.choice([0, 0, 1, 3, 40])
        text = text[:start] + random.choice([*FRAGMENTS, "", text[start:end] * 2]) + text[end:]
    check(text)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text(text: str) -> None:
    """Text that was never a spec."""
    check(text)
