"""`verify` and `status` as a user runs them, over and over, until they say what is expected of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.deployed.estate import Estate
from tests.faults.catalogue import Case, Named

Document = dict[str, Any]


@dataclass(frozen=True)
class Watched:
    """What became of a wait: the seconds until it held, None when it did not, and what was seen red last."""

    seconds: float | None
    red: tuple[str, ...]


def until_red(estate: Estate, case: Case, seconds: float) -> tuple[Watched, Watched | None]:
    """Runs `verify`, and `status` beside it where it is to notice the fault, until each exits with 1 and names it.

    Both are given up with the run that ends after `seconds`.
    """
    with ThreadPoolExecutor(2) as pool:
        verify = pool.submit(_until, estate, "verify", lambda told: names(told, case.verify), seconds)
        if not case.status:
            return verify.result(), None
        status = pool.submit(_until, estate, "status", lambda told: case.status in red_services(told), seconds)
        return verify.result(), status.result()


def until_green(estate: Estate, seconds: float) -> Watched:
    """Runs `verify` until nothing is red any more, then `status`, which has to agree."""
    watched = _until(estate, "verify", lambda told: bool(told["good"]), seconds, code=0)
    if watched.seconds is not None:
        estate.clone.pointsman("status", "--env", estate.name, "--output", "json").good()
    return watched


def names(told: Document, wanted: Named) -> bool:
    """Whether a document of `verify` has that check, red, with those words."""
    return any(
        check["outcome"] == "fail"
        and check["name"] == wanted.check
        and wanted.said in " ".join((check["seen"], check["expected"], check["remedy"]))
        for check in told["checks"]
    )


def red_checks(told: Document) -> tuple[str, ...]:
    """The red checks of a document of `verify`, each with what was seen."""
    return tuple(f"{each['name']}: {each['seen']}" for each in told["checks"] if each["outcome"] == "fail")


def red_services(told: Document) -> tuple[str, ...]:
    """The services of a document of `status` that do not run, or were not seen ready from outside."""
    return tuple(row["service"] for row in told["services"] if not row["good"])


def _until(estate: Estate, verb: str, holds: Callable[[Document], bool], seconds: float, code: int = 1) -> Watched:
    began = time.monotonic()
    while True:
        done = estate.clone.pointsman(verb, "--env", estate.name, "--output", "json")
        passed = time.monotonic() - began
        told = done.document()
        red = red_checks(told) if verb == "verify" else red_services(told)
        if done.code == code and holds(told):
            return Watched(round(passed, 1), red)
        if passed > seconds:
            return Watched(None, red)
