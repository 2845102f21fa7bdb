"""Whatever an inventory is turned into, reading it ends in hosts or in mistakes with a place, never a traceback."""

from __future__ import annotations

import copy
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pointsman.inventory.files import Files
from pointsman.inventory.reading import as_written, can_be_resolved, refusal
from pointsman.inventory.written import VAULT_VARIABLES
from pointsman.spec.mistakes import SpecError
from tests.unit.inventory.folders import SHOWN, read_all, written
from tests.unit.spec.test_mutations import DUMPER, FRAGMENTS, MUTATIONS, VALUES, containers

PRODUCTION = Path(__file__).parents[3] / "inventory/production"
TEXTS = {
    path.relative_to(PRODUCTION).as_posix(): path.read_text(encoding="utf-8") for path in PRODUCTION.rglob("*.yml")
} | {
    "host_vars/build-3.example.org.yml": (
        'ansible_port: "{{ x_port | default(2222) | int }}"\nx_list: [a, "{{ runner_name }}"]\n'
        "runner_package_url: https://mirror.example.org/runner.tgz\nrunner_package_version: 2.336.0\n"
        f"runner_package_sha256: '{'0' * 64}'\nrunner_labels: \"{{{{ x_list + ['b'] }}}}\"\nfirewall_ssh_from: []\n"
    )
}
JINJA = (
    "{{ ",
    " }}",
    "{% ",
    "{{ x_list }}",
    "{{ runner_name }}",
    "{{ lookup('env','A') }}",
    "{{ omit }}",
    "{# ",
    "!vault ",
)
BATCH = 200  # inventories that Ansible resolves as well, in one process


def mutated(random: Random, count: int) -> dict[str, str]:
    """The texts with some changes: in the documents, or in the text itself."""
    texts = dict(TEXTS)
    for _ in range(count):
        name = random.choice(sorted(texts))
        if random.random() < 0.5:
            texts[name] = _text_changed(texts[name], random)
        else:
            texts[name] = _document_changed(texts[name], random)
    return texts


def _text_changed(text: str, random: Random) -> str:
    start = random.randrange(len(text) + 1)
    end = start + random.choice([0, 0, 1, 3, 40])
    return text[:start] + random.choice([*FRAGMENTS, *JINJA, "", text[start:end] * 2]) + text[end:]


def _document_changed(text: str, random: Random) -> str:
    try:
        document: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text
    if inside := random.choice([*containers(document), None]):
        at = random.choice(list(inside)) if isinstance(inside, dict) else random.randrange(len(inside))
        if random.random() < 0.3:
            inside[at] = copy.deepcopy(random.choice([*VALUES, *JINJA]))
        else:
            random.choice(MUTATIONS)(inside, at, random)
    return str(yaml.dump(document, Dumper=DUMPER, allow_unicode=True))


def check(error: SpecError) -> None:
    """Each mistake has a place and says what was expected, in our words."""
    assert error.mistakes
    for mistake in error.mistakes:
        assert mistake.line >= 1
        assert mistake.column >= 1
        assert mistake.file.startswith(SHOWN)
        assert mistake.problem
        assert mistake.expected
    printed = str(error)
    for foreign in ("pydantic", "Input should", "Traceback", "ansible._internal", "object has no attribute"):
        assert foreign not in printed


@settings(max_examples=600, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(random=st.randoms(use_true_random=False), count=st.integers(1, 6))
def test_changed_inventories_as_written(random: Random, count: int) -> None:
    """What can be seen without Ansible: mistakes, or an inventory that Ansible can be asked about."""
    contents = {name: text.encode("utf-8", "surrogatepass") for name, text in mutated(random, count).items()}
    layout, mistakes = as_written(Files(Path("/nowhere"), SHOWN, contents))
    assert mistakes or can_be_resolved(layout)
    if mistakes:
        check(refusal(mistakes))


def test_changed_inventories_as_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Ansible makes of them, too; one process resolves them all, and outlives each."""
    for name in VAULT_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PRODUCTION_OPERATORS", "198.51.100.0/24")
    monkeypatch.setenv("PRODUCTION_BUILD_4_ADDRESS", "192.0.2.24")
    folders = []
    for seed in range(BATCH):
        random = Random(seed)
        texts = mutated(random, random.choice([1, 1, 2, 3]))
        folder = tmp_path / str(seed)
        folders.append(
            written(folder, {name: text.encode("utf-8", "replace").decode() for name, text in texts.items()})
        )
    found = read_all(folders)
    for each in found:
        if isinstance(each, SpecError):
            check(each)
    good = sum(not isinstance(each, SpecError) for each in found)
    assert BATCH * 0.05 < good < BATCH * 0.95, "mutations are too weak or too strong to show anything"
