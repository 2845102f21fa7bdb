"""Samples out of what a service exposes for Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)", re.MULTILINE)


def total(text: str, *names: str, **labels: str) -> float:
    """The sum of all samples with one of these names and all of these labels; 0 where there is none.

    A counter may be exposed with or without `_total` at its end.
    """
    wanted = {*names, *(f"{name}_total" for name in names)}
    pairs = [f'{name}="{value}"' for name, value in labels.items()]
    return sum(value for name, told, value in samples(text) if name in wanted and all(pair in told for pair in pairs))


def samples(text: str) -> Iterator[tuple[str, str, float]]:
    """Name, labels as they are written, and value of every sample."""
    for found in _SAMPLE.finditer(text):
        name, told, value = found.groups()
        try:
            yield name, told or "", float(value)
        except ValueError:
            continue
