"""The resolved spec: complete, readable back, honest about what nobody wrote."""

from __future__ import annotations

from pointsman.spec.models import Environment
from pointsman.spec.reader import parse
from pointsman.spec.render import resolved_yaml

WRITTEN = """\
network: {bind: 0.0.0.0}
log_agent: {resources: {memory: 1GiB}}
prometheus:
  external_labels: {zone: "no", note: "a: b # c\\n\\nd", wide: "%s"}
  extra_targets: [{job: a, targets: ["b:1"]}]
""" % ("word " * 60)


def test_the_resolved_spec_reads_back_to_the_same() -> None:
    """Nothing is lost, and no text turns into something else, with and without comments."""
    environment = parse(WRITTEN, "stacks/dev.yaml")
    for sources in (False, True):
        assert parse(resolved_yaml(environment, sources=sources), "stacks/dev.yaml") == environment
        assert parse(resolved_yaml(Environment(), sources=sources), "stacks/dev.yaml") == Environment()


def leaves(value: object) -> int:
    """How many values a document holds, an empty list or mapping counted as one; a list has a line for its key, too."""
    if isinstance(value, list):
        return 1 + len(value)
    return sum(leaves(child) for child in value.values()) if isinstance(value, dict) and value else 1


def test_every_default_is_filled_in_and_marked() -> None:
    """Of a spec that sets one value, that one stands without a mark and all others with it."""
    lines = resolved_yaml(parse("log_agent: {resources: {memory: 1GiB}}", "f"), sources=True).splitlines()
    assert "    memory: 1GiB" in lines
    values = [line for line in lines if not line.endswith(":")]
    assert [line for line in values if not line.endswith("  # default")] == ["    memory: 1GiB"]
    assert len(values) == leaves(Environment().model_dump())
