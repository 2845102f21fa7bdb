"""Alertmanager's routes walked as Alertmanager walks them: who is told of an alert, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pointsman.spec.alerting import MATCHER

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """One who is told. `matchers` are those of the route that led there, none for the default.

    `grouped` are the labels by which it gets alerts together, `repeat` is how often it is told again, `mute_times` when
    it is not told at all.
    """

    receiver: str
    matchers: tuple[str, ...]
    grouped: tuple[str, ...]
    repeat: str
    mute_times: tuple[str, ...]

    @property
    def why(self) -> str:
        """The reason in words."""
        return " and ".join(self.matchers) if self.matchers else "the default: no other route matches"


def walk(config: Config, labels: Mapping[str, str]) -> tuple[Told, ...]:
    """Who is told of an alert with `labels` by Alertmanager's `config`, in the order of its routes."""
    return tuple(_below(config["route"], labels))


def fits(route: Config, labels: Mapping[str, str]) -> bool:
    """Whether all matchers of a route hold; a label that is not there is empty, patterns are anchored on both sides."""
    return all(_holds(matcher, labels) for matcher in route.get("matchers", ()))


def _holds(matcher: str, labels: Mapping[str, str]) -> bool:
    found = MATCHER.fullmatch(matcher)
    if found is None:
        raise ValueError(f"{matcher} is no matcher")
    label, operator, value = found.groups()
    mine = labels.get(label, "")
    same = bool(re.fullmatch(value, mine)) if "~" in operator else mine == value
    return same != operator.startswith("!")


def _below(route: Config, labels: Mapping[str, str]) -> Iterator[Told]:
    """The ends that an alert reaches below a route that it fits; the route itself where it fits none of them."""
    reached = False
    for below in route.get("routes", ()):
        if fits(below, labels):
            reached = True
            # What a route does not say is as it is above; muting is not handed down.
            inherited = {key: route[key] for key in ("receiver", "group_by", "repeat_interval")}
            yield from _below({**inherited, **below}, labels)
            if not below.get("continue"):
                break
    if not reached:
        yield Told(
            route["receiver"],
            tuple(route.get("matchers", ())),
            tuple(route["group_by"]),
            route["repeat_interval"],
            tuple(route.get("mute_time_intervals", ())),
        )
