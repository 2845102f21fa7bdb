"""What the variables of a dashboard can be, asked of Prometheus where they come from there, and what is chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from pointsman.board.provisioning import Provisioned
from pointsman.board.timerange import TimeRange
from pointsman.board.upstream import UpstreamError, ask
from pointsman.board.variables import ALL, Value, Values, globals_of, substitute

MOST: Final = 500
_LABEL_VALUES = re.compile(r"label_values\(\s*(?:(?P<metric>.+),\s*)?(?P<label>[A-Za-z_][A-Za-z0-9_]*)\s*\)", re.DOTALL)
_QUERY_RESULT = re.compile(r"query_result\((?P<expr>.+)\)", re.DOTALL)
_LABEL_NAMES = re.compile(r"label_names\(\s*\)")
_PAIR = re.compile(r"((?:\\,|[^,])+)")


@dataclass(frozen=True)
class Variable:
    """One variable: `options` are pairs of what is shown and what it stands for; `trouble` says why there are none."""

    name: str
    label: str
    kind: str
    value: Value
    options: tuple[tuple[str, str], ...] = ()
    multi: bool = False
    hidden: bool = False
    trouble: str = ""
    chosen: frozenset[str] = field(default_factory=frozenset)


def variables(
    client: httpx.Client,
    provisioned: Provisioned,
    model: Mapping[str, Any],
    wanted: Mapping[str, Sequence[str]],
    over: TimeRange,
) -> list[Variable]:
    """The variables of a dashboard in their order, each filled in with those before it; `wanted` is of the address."""
    found: list[Variable] = []
    for declared in (model.get("templating") or {}).get("list") or []:
        before = {each.name: each.value for each in found} | globals_of(over, 60_000, 15_000)
        try:
            options, trouble = _options(client, provisioned, declared, before, over), ""
        except (UpstreamError, ValueError) as error:
            options, trouble = [], str(error)
        found.append(_variable(declared, options[:MOST], wanted.get(str(declared["name"])), trouble))
    return found


def _variable(
    declared: Mapping[str, Any], options: Sequence[tuple[str, str]], wanted: Sequence[str] | None, trouble: str
) -> Variable:
    kind, many = str(declared.get("type")), bool(declared.get("multi")) or bool(declared.get("includeAll"))
    shown = [("All", ALL), *options] if declared.get("includeAll") else list(options)
    before = (declared.get("current") or {}).get("value")
    usual = [str(each) for each in before] if isinstance(before, list) else [str(before)] if before else []
    free = kind == "textbox"
    known = {value for _, value in shown}
    # An address may name what is gone by now; it is asked for all the same, as in Grafana.
    chosen = list(wanted) if wanted else [each for each in usual if each in known or free]
    chosen = chosen or ([] if free else [value for _, value in shown[:1]])
    if "All" in chosen and declared.get("includeAll"):
        chosen = [ALL]
    is_all, every = ALL in chosen, tuple(value for _, value in options)
    raw = str(declared["allValue"]) if is_all and declared.get("allValue") else None
    value = Value(every if is_all else tuple(chosen), many, raw, is_all)
    name = str(declared["name"])
    return Variable(
        name=name,
        label=str(declared.get("label") or name),
        kind=kind,
        value=value,
        options=tuple(shown),
        multi=bool(declared.get("multi")),
        # 2 hides the whole variable, 1 its label only; a constant is nobody's choice.
        hidden=declared.get("hide") in (2, "hideVariable") or kind == "constant",
        trouble=trouble,
        chosen=frozenset(chosen),
    )


def _options(
    client: httpx.Client, provisioned: Provisioned, declared: Mapping[str, Any], before: Values, over: TimeRange
) -> list[tuple[str, str]]:
    kind, query = declared.get("type"), declared.get("query")
    text = str((query.get("query") or query.get("expr") or "") if isinstance(query, Mapping) else query or "")
    if kind == "query":
        named = declared.get("datasource") or {}
        uid = substitute(str(named.get("uid") or ""), before) if isinstance(named, Mapping) else str(named)
        source = provisioned.source(uid)
        if source is None or source.kind != "prometheus":
            raise ValueError(f"variable {declared['name']}: {uid or 'no data source'} is no Prometheus")
        found = asked(client, source.url, substitute(text, before), over)
        return _ordered(_picked(found, str(declared.get("regex") or "")), int(declared.get("sort") or 0))
    if kind in ("custom", "interval"):
        return [_pair(each.strip().replace("\\,", ",")) for each in _PAIR.findall(text) if each.strip()]
    if kind == "datasource":
        return [(each.name, each.uid) for each in provisioned.sources if each.kind == text]
    if kind in ("constant", "textbox"):
        return [(text, text)] if text else []
    raise ValueError(f"variable {declared['name']}: type {kind} is unknown to the board")


def asked(client: httpx.Client, url: str, query: str, over: TimeRange) -> list[str]:
    """What label_values(), label_names() or query_result() give; ValueError for anything else."""
    between = {"start": over.start / 1000, "end": over.end / 1000}
    text = query.strip()
    if found := _LABEL_VALUES.fullmatch(text):
        matching = {"match[]": found["metric"].strip()} if found["metric"] else {}
        told = ask(client, f"{url}/api/v1/label/{found['label']}/values", {**between, **matching})
        return [str(each) for each in told.get("data") or []]
    if _LABEL_NAMES.fullmatch(text):
        return [str(each) for each in ask(client, f"{url}/api/v1/labels", between).get("data") or []]
    if found := _QUERY_RESULT.fullmatch(text):
        told = ask(client, f"{url}/api/v1/query", {"query": found["expr"], "time": over.end / 1000})
        return [_written(each) for each in (told.get("data") or {}).get("result") or []]
    raise ValueError(f"{query!r}: expected label_values(…), label_names() or query_result(…)")


def _written(each: Mapping[str, Any]) -> str:
    """A sample as Grafana writes it for query_result: name{labels} value milliseconds."""
    labels = dict(each["metric"])
    name = labels.pop("__name__", "")
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    at, value = each["value"]
    return f"{name}{{{inside}}} {value} {round(float(at) * 1000)}"


def _picked(values: Sequence[str], pattern: str) -> list[tuple[str, str]]:
    """Values through the variable's regex: its first group is what is taken, or those named `text` and `value`."""
    if not pattern:
        return [(each, each) for each in dict.fromkeys(values)]
    inside = re.fullmatch(r"/(.*)/([a-z]*)", pattern, re.DOTALL)
    try:
        taken = re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", inside[1] if inside else pattern))
    except re.error as error:
        raise ValueError(f"regex {pattern}: {error}") from None
    found: dict[str, str] = {}
    for each in values:
        if match := taken.search(each):
            groups = match.groupdict()
            value = groups.get("value") or groups.get("text") or (match[1] if taken.groups else each)
            found.setdefault(value or "", groups.get("text") or value or "")
    return [(text, value) for value, text in found.items() if value]


def _ordered(options: list[tuple[str, str]], sort: int) -> list[tuple[str, str]]:
    """1, 2: by alphabet up, down; 3, 4: by the number in them; 5, 6: by alphabet whatever the case; 0: as they came."""
    if sort in (3, 4):
        return sorted(options, key=lambda each: int((re.findall(r"\d+", each[0]) or ["-1"])[0]), reverse=sort == 4)
    if sort in (1, 2, 5, 6):
        lowered = sort > 4
        return sorted(options, key=lambda each: each[0].lower() if lowered else each[0], reverse=sort % 2 == 0)
    return options


def _pair(text: str) -> tuple[str, str]:
    shown, colon, value = text.partition(" : ")
    return (shown.strip(), value.strip()) if colon else (text, text)
