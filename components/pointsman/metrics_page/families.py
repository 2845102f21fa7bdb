"""Metric families and their text, as Prometheus' exposition format 0.0.4 has it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
GAUGE = "gauge"
COUNTER = "counter"


@dataclass(frozen=True)
class Sample:
    """One value with its labels."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Family:
    """All samples of one name."""

    name: str
    meaning: str
    samples: tuple[Sample, ...]
    kind: str = GAUGE


def one(name: str, meaning: str, value: float, kind: str = GAUGE, /, **labels: str) -> Family:
    """A family of one sample."""
    return Family(name, meaning, (Sample(float(value), labels),), kind)


def each(name: str, meaning: str, label: str, values: Mapping[str, float], kind: str = GAUGE) -> Family:
    """A family with a sample for each value of `label`."""
    return Family(name, meaning, tuple(Sample(float(value), {label: key}) for key, value in values.items()), kind)


def which(name: str, meaning: str, label: str, known: Collection[str], true: str | None) -> Family:
    """A family with 1 for `true` and 0 for every other of the `known` values: all series are always there."""
    return each(name, meaning, label, {value: float(value == true) for value in known})


def text(families: Iterable[Family]) -> str:
    """The page; families without samples are left out."""
    return "".join(_family(family) for family in families if family.samples)


def _family(family: Family) -> str:
    meaning = family.meaning.replace("\\", "\\\\").replace("\n", "\\n")
    lines = [f"# HELP {family.name} {meaning}", f"# TYPE {family.name} {family.kind}"]
    lines += [f"{family.name}{_labels(sample.labels)} {_number(sample.value)}" for sample in family.samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
