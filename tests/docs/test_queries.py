"""The page of query templates: what it says of itself. tests/deployed/signals/test_dashboards.py asks the stores."""

from __future__ import annotations

import pytest

from pointsman.signals.known import KNOWN
from pointsman.signals.promql import selected
from tests.deployed.query_templates import Template, examples, templates

LANGUAGES = {"promql", "logql", "traceql"}


def test_every_placeholder_has_an_example() -> None:
    """And none is explained that no template has."""
    assert set().union(*(each.placeholders for each in templates())) == set(examples())


def test_every_store_is_asked() -> None:
    """A template names its language, by which its store is found."""
    assert {each.language for each in templates()} == LANGUAGES


@pytest.mark.parametrize(
    "template", [each for each in templates() if each.language == "promql"], ids=lambda each: each.title
)
def test_every_metric_is_known(template: Template) -> None:
    """With the labels that it is chosen by: no query's emptiness is for want of something that nobody sends."""
    for each in selected(template.filled(examples())):
        assert each.labels <= KNOWN[each.name], each
