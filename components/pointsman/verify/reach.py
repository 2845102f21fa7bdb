"""Each published service answers from outside, and has the retention that the spec says in force."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from pointsman.checks import Check, failed, not_verifiable, passed
from pointsman.services.model import Retention, Service
from pointsman.spec.scalars import duration_seconds
from pointsman.verify.site import SLOW_SECONDS, Lost, Site

if TYPE_CHECKING:
    from httpx import Response

# A Date header has whole seconds, and an answer takes its time; more than this is another clock.
SKEW_SECONDS = 5.0
# The binary prefixes in the order of their powers, as services print them (Prometheus: "1GiB512MiB").
_PREFIXES = "KMGTPE"
_SIZE = re.compile(r"(?:[0-9]+(?:[KMGTPE]i?)?B)+")
_SIZE_PART = re.compile(r"([0-9]+)(?:([KMGTPE])i?)?B")


def reached(site: Site, service: Service) -> Check:
    """The readiness URL answers 200 soon, by the same clock; one that is not ready yet is asked until the deadline."""
    name, probe = f"reached {service.name}", service.ready
    if probe is None:
        return not_verifiable(name, "it declares no readiness URL", service=service.name)
    url = f"{site.declared.url(service, probe.on)}{probe.path}"
    seen, was_late = "not asked", False
    for _ in site.tries():
        started = time.monotonic()
        try:
            response = site.ask(service.name, probe.path, on=probe.on)
        except Lost as lost:
            seen = lost.seen
            # A service that says why it is not ready may soon be; one that is refused or silent is down.
            if lost.answered:
                continue
            break
        seconds = time.monotonic() - started
        # A machine that is busy for a moment delays one answer; a service that starves is late again.
        if seconds > SLOW_SECONDS and not was_late and not site.deadline.passed:
            was_late = True
            continue
        return _judged(site, service, url, response, seconds)
    return failed(name, seen, expected=f"200 from {url}", remedy=site.remedy(service.name), service=service.name)


def _judged(site: Site, service: Service, url: str, response: Response, seconds: float) -> Check:
    name, skew = f"reached {service.name}", _skew(response)
    if seconds > SLOW_SECONDS:
        expected = f"200 from {url} within {SLOW_SECONDS:.0f} s"
        running = site.running.get(service.name)
        remedy = f"docker stats --no-stream {running.name}" if running else site.remedy(service.name)
        seen = f"answers in {seconds:.1f} s"
        return failed(name, seen, expected=expected, remedy=remedy, service=service.name)
    if abs(skew) > SKEW_SECONDS:
        seen = f"its clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
        expected, remedy = f"this machine's time within {SKEW_SECONDS:.0f} s", "timedatectl status, here and there"
        return failed(name, seen, expected=expected, remedy=remedy, service=service.name)
    return passed(name, url, service=service.name)


def _skew(response: Response) -> float:
    """The seconds that the clock of who answered is ahead of this machine's; 0 where it does not say."""
    try:
        told = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return 0.0
    return (told - datetime.now(UTC)).total_seconds()


def retention(site: Site, service: Service, wanted: Retention) -> Check:
    """The retention that the service says is in force is that of the spec."""
    from yaml import YAMLError

    name, who = f"retention {service.name}", service.name
    try:
        printed = _value(site.ask(who, wanted.path).text, wanted.key)
    except Lost as lost:
        return failed(name, lost.seen, expected=_shown(wanted), remedy=site.remedy(who), service=who)
    except YAMLError as error:
        return failed(name, f"no config: {error}", expected=_shown(wanted), remedy=site.remedy(who), service=who)
    try:
        found = parsed(printed)
    except ValueError:
        return failed(name, f"{printed!r}", expected=_shown(wanted), remedy=site.declared.apply, service=who)
    if found != (wanted.time, wanted.size):
        return failed(name, printed, expected=_shown(wanted), remedy=site.declared.apply, service=who)
    return passed(name, printed, service=who)


def parsed(printed: str) -> tuple[float | None, int | None]:
    """Seconds and bytes of a retention such as `3d or 1GiB` or `168h`; None for a limit that is off or not told.

    Raises ValueError for what is neither a duration nor a size.
    """
    seconds: float | None = None
    size: int | None = None
    for part in printed.split(" or "):
        if _SIZE.fullmatch(part):
            size = sum(_bytes(count, prefix) for count, prefix in _SIZE_PART.findall(part)) or None
        else:
            seconds = duration_seconds(part) or None
    return seconds, size


def _bytes(count: str, prefix: str) -> int:
    return int(count) << 10 * (_PREFIXES.index(prefix) + 1 if prefix else 0)


def _value(text: str, key: tuple[str, ...]) -> str:
    """The value at `key` in JSON or YAML, which JSON is a part of; empty when it is not there."""
    import yaml

    # The parser in C where PyYAML has it: Loki's config is 90 kB, which takes 0.25 s without.
    documents = list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    # Tempo puts the request before its config, as a document of its own.
    node: Any = documents[-1] if documents else None
    for name in key:
        node = node.get(name) if isinstance(node, dict) else None
    return "" if node is None else str(node)


def _shown(wanted: Retention) -> str:
    """The spec's retention in the notation of the services."""
    days, hours = divmod(wanted.time / 3600, 24)
    time = f"{days:.0f}d" if not hours else f"{wanted.time / 3600:g}h"
    return f"{time} or {_size(wanted.size)}, as in the spec" if wanted.size else f"{time}, as in the spec"


def _size(count: int) -> str:
    for prefix in reversed(_PREFIXES):
        if count % _bytes("1", prefix) == 0:
            return f"{count // _bytes('1', prefix)}{prefix}iB"
    return f"{count}B"
