"""The reader's messages, word for word: whoever writes a spec reads nothing else when it is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from pointsman.spec.loader import load
from pointsman.spec.mistakes import SpecError
from pointsman.spec.models import Environment
from pointsman.spec.reader import checked, parse
from tests.unit.spec.wrong import GOLDEN, PORT

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]


def mistakes_in(text: str, loader: type[Any] = yaml.SafeLoader) -> list[str]:
    """The mistakes of a text, each as printed."""
    with pytest.raises(SpecError) as caught:
        checked(load(text, "stacks/dev.yaml", loader))
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(("text", "expected"), GOLDEN.values(), ids=GOLDEN.keys())
def test_each_mistake_is_told_in_our_words(text: str, expected: list[str], loader: type[Any]) -> None:
    """Place, key, problem, expectation and advice, the same with both of PyYAML's parsers."""
    assert mistakes_in(text, loader) == [f"stacks/dev.yaml:{line}" for line in expected]


TEN = """\
# ten mistakes, one a line that says so
images:
  source: package          # 1
network:
  bind: localhost          # 2
ports:
  prometheus: "9090"       # 3
prometheus:
  retenton: {time: 3d}     # 4
  scrape_interval: 15x     # 5
  external_labels:
    zone: no               # 6
loki:
  retention: 1h            # 7
log_agent:
  kind: fluentd            # 8
container_logs:
  max_files: 99            # 9
exporter: {}               # 10
"""


def test_ten_mistakes_are_told_at_once() -> None:
    """All mistakes of a file come in one go, in the file's order, each with its line; the print is as promised."""
    with pytest.raises(SpecError) as caught:
        parse(TEN, "stacks/dev.yaml")
    numbered = [number for number, line in enumerate(TEN.splitlines(), start=1) if line[-1].isdigit()]
    assert [mistake.line for mistake in caught.value.mistakes] == numbered
    lines = str(caught.value).splitlines()
    assert lines[3] == "stacks/dev.yaml:9:3  prometheus.retenton  unknown key; did you mean prometheus.retention?"
    assert lines[-1] == "10 mistakes; nothing was touched"
    assert caught.value.exit_code == 2


def test_mistakes_as_data() -> None:
    """`--output json` gets each mistake's parts, and plain JSON at that."""
    with pytest.raises(SpecError) as caught:
        parse('ports: {loki: "9090"}\n', "stacks/dev.yaml")
    assert json.loads(json.dumps(caught.value.as_dict())) == {
        "error": "spec",
        "message": "1 mistake; nothing was touched",
        "mistakes": [
            {
                "file": "stacks/dev.yaml",
                "line": 1,
                "column": 15,
                "key": "ports.loki",
                "kind": "wrong value",
                "value": '"9090"',
                "problem": '"9090" is text',
                "expected": PORT,
                "suggestion": "write 9090 without quotes",
            }
        ],
    }


@pytest.mark.parametrize(
    "text", ["", "\n", "# all defaults\n", "---\n", "--- {}\n", "\ufeff".encode().decode("utf-8-sig")]
)
def test_an_empty_file_takes_every_default(text: str) -> None:
    """Nothing written is a spec."""
    assert parse(text, "stacks/dev.yaml") == Environment()


@pytest.mark.parametrize("loader", LOADERS)
def test_anchors_aliases_and_merges_are_understood(loader: type[Any]) -> None:
    """What stands once may be used twice; a key beside `<<` wins over the merged one, the first of several merged ones
    over the later."""
    text = """\
loki: {resources: &small {memory: 8MiB, cpus: 2}}
log_agent: {resources: *small}
prometheus: {resources: {<<: *small, memory: 9MiB}}
socket_proxy: {resources: {<<: [{cpus: 4}, *small]}}
"""
    environment = checked(load(text, "stacks/dev.yaml", loader))
    assert environment.log_agent.resources.model_dump() == environment.loki.resources.model_dump()
    assert environment.prometheus.resources.model_dump() == {"memory": "9MiB", "cpus": 2}
    assert environment.socket_proxy.resources.model_dump() == {"memory": "8MiB", "cpus": 4}


def test_aliases_cannot_make_a_short_file_explode() -> None:
    """A file whose aliases stand for a billion values is refused, and quickly."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (mistake,) = mistakes_in("\n".join(levels))
    assert "too many values" in mistake


def test_line_ends_of_other_systems_count_as_lines() -> None:
    """Files from Windows give the same lines and columns."""
    assert mistakes_in("loki:\r\n  retention: 1h\r\n") == mistakes_in("loki:\n  retention: 1h\n")


def test_a_message_cannot_drive_the_terminal() -> None:
    """Escape codes that a value spells reach the terminal as text."""
    (mistake,) = mistakes_in('loki: {retention: "\\e[2Jx"}')
    assert "\x1b" not in mistake
    assert "\\u001b[2Jx" in mistake
