"""A spec with every default filled in, as YAML that reads back to the same spec."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel

from pointsman.spec.models import Environment

_DEFAULT = "  # default"


def resolved_yaml(environment: Environment, *, sources: bool = False) -> str:
    """The whole spec as YAML; with `sources`, a comment behind each value that nobody wrote: `# default`."""
    return "\n".join(_section(environment, "", sources=sources)) + "\n"


def _section(model: BaseModel, indent: str, *, sources: bool, inherited: bool = False) -> Iterator[str]:
    """`inherited`: the whole section is a default, also what its own default names."""
    values: dict[str, Any] = model.model_dump(mode="json")
    for key, value in model:
        is_default = inherited or key not in model.model_fields_set
        if isinstance(value, BaseModel):
            yield f"{indent}{key}:"
            yield from _section(value, indent + "  ", sources=sources, inherited=is_default)
            continue
        text = yaml.safe_dump({key: values[key]}, sort_keys=False, allow_unicode=True, width=float("inf"))
        lines = [indent + line if line else line for line in text.splitlines()]
        # A default is never a text of several lines, whose end a comment would become part of.
        yield from (line + _DEFAULT if sources and is_default else line for line in lines)
