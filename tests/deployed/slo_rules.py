"""Documents for `promtool test rules` from small tables: series as lists of increments, and what must fire when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from pointsman.signals import slos
from pointsman.signals.model import Alert, RuleGroup
from pointsman.signals.slis import SLIS, Sli
from pointsman.signals.slos import NO_DATA
from pointsman.spec.reader import parse
from pointsman.spec.scalars import duration_seconds
from pointsman.yaml_text import yaml_text

_VALUE = re.compile(r"\{\{ \$value [^}]*\}\}")
NEVER = "never judged"
"""Stands for the alert on an SLO whose data never came, which has the name of the one on data that ceased."""


@dataclass(frozen=True)
class Case:
    """Series of one SLO, a sample each `step`, and the alerts that fire at each of the times; `values` are of
    expressions at the last time. `looked_at`: of these alerts only, where others may fire as well.
    `values_told`: the value that an alert writes in its texts at the last time."""

    name: str
    slo: str
    step: str
    series: Mapping[str, str]
    firing: Mapping[str, Sequence[str]]
    values: Mapping[str, float | None] | None = None
    spec: str = "{}"
    looked_at: Sequence[str] = ()
    values_told: Mapping[str, str] = field(default_factory=dict)


def found(name: str) -> Sli:
    """What an SLO counts."""
    return next(each for each in SLIS if each.name == name)


def counter(increments: Iterable[float], start: float = 0) -> str:
    """A counter's samples in promtool's notation; the first is `start`."""
    return " ".join(f"{value:.10g}" for value in accumulate(increments, initial=start))


def from_first(increments: Sequence[float]) -> str:
    """The same of a counter that is not there before its first event."""
    text = counter(increments).split()
    return " ".join("_" if value == "0" else value for value in text)


def documents(cases: Sequence[Case]) -> dict[str, str]:
    """Path → text of the rule files and test files of some cases: one pair for each SLO, step and spec."""
    files: dict[str, str] = {}
    together: dict[tuple[str, str, str], list[Case]] = {}
    for case in cases:
        together.setdefault((case.slo, case.step, case.spec), []).append(case)
    for number, ((name, step, text), same) in enumerate(together.items()):
        # The rules count from one evaluation to the next, however far apart: in steps of hours a month takes no time.
        group = replace(group_of(name, text), interval=step)
        rules, tests = f"/slo/{number}-rules.yml", f"/slo/{number}-{name}.yml"
        files[rules] = group.rendered()
        files[tests] = yaml_text(
            {"rule_files": [rules], "evaluation_interval": step, "tests": [_test(case) for case in same]}
        )
    return files


def started_with(files: Mapping[str, str]) -> list[str]:
    """Those of `documents` that promtool is started with."""
    return [path for path in files if not path.endswith("-rules.yml")]


def group_of(name: str, text: str) -> RuleGroup:
    """The rules of one SLO of a spec."""
    sli = found(name)
    return slos.group(sli, sli.of(parse(text, "stacks/dev.yaml").slos))


def _test(case: Case) -> dict[str, Any]:
    last = max(case.firing, key=duration_seconds)
    rules = _alerts(case)
    expressions = [
        {
            "expr": f'ALERTS{{alertstate="firing", alertname=~"{"|".join(case.looked_at) or ".+"}"}}',
            "eval_time": at,
            "exp_samples": [{"labels": _series(rules[name]), "value": 1} for name in names],
        }
        for at, names in case.firing.items()
    ]
    for expression, value in (case.values or {}).items():
        # To a millionth, since counts of parts of requests do not add up to the last digit.
        shown = (
            expression if value is None else f"abs({expression} - {value:.12g}) < bool {1e-6 * max(1, abs(value)):g}"
        )
        samples = [] if value is None else [{"labels": _of(case.slo), "value": 1}]
        expressions.append({"expr": shown, "eval_time": last, "exp_samples": samples})
    return {
        "name": f"{case.slo}: {case.name}",
        "interval": case.step,
        "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
        "promql_expr_test": expressions,
        "alert_rule_test": [_told(rules[name], last, value) for name, value in case.values_told.items()],
    }


def _of(slo: str) -> str:
    return f'{{slo="{slo}", slo_service="{found(slo).service}"}}'


def _alerts(case: Case) -> dict[str, Alert]:
    """The alerts of the case's SLO by name; of the two on missing data, that on data which never came is NEVER."""
    rules = group_of(case.slo, case.spec).alerts
    return {NEVER if each.name == NO_DATA and each.severity == "info" else each.name: each for each in rules}


def _series(alert: Alert) -> str:
    labels = {"alertname": alert.name, "alertstate": "firing", **alert.rendered()["labels"]}
    return "ALERTS{" + ", ".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def _told(alert: Alert, at: str, value: str) -> dict[str, Any]:
    rule = alert.rendered()
    slo = rule["labels"]["slo"]
    texts = {
        key: _VALUE.sub(value, text).replace("{{ $labels.slo }}", slo) for key, text in rule["annotations"].items()
    }
    expected = {"exp_labels": rule["labels"], "exp_annotations": texts}
    return {"alertname": alert.name, "eval_time": at, "exp_alerts": [expected]}
