"""Each published service answers from outside, and runs on the files and with the retention that the spec says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pointsman.checks import Check, failed, not_verifiable, passed
from pointsman.services.model import Retention, Service
from pointsman.spec.scalars import duration_seconds
from pointsman.verify.site import Lost, Site

# The binary prefixes in the order of their powers, as services print them (Prometheus: "1GiB512MiB").
_PREFIXES = "KMGTPE"
_SIZE = re.compile(r"(?:[0-9]+(?:[KMGTPE]i?)?B)+")
_SIZE_PART = re.compile(r"([0-9]+)(?:([KMGTPE])i?)?B")


def reached(site: Site, service: Service) -> Check:
    """The readiness URL answers 200; one that says that it is not ready yet is asked again until the deadline."""
    name, probe = f"reached {service.name}", service.ready
    if probe is None:
        return not_verifiable(name, "it declares no readiness URL")
    url = f"{site.declared.url(service)}{probe.path}"
    refusals: list[Lost] = []

    def answers() -> bool:
        try:
            site.ask(service.name, probe.path)
        except Lost as lost:
            refusals.append(lost)
            # A service that says why it is not ready may soon be; one that is refused or silent is down.
            return not lost.answered
        refusals.clear()
        return True

    site.until(answers)
    if refusals:
        return failed(name, refusals[-1].seen, expected=f"200 from {url}", remedy=site.remedy(service.name))
    return passed(name, url)


def in_force(site: Site, service: Service, release: Callable[[], str]) -> Check:
    """The release of the config volume that the container sees is the one of the spec's files."""
    from pointsman.resources.provider.releases import digest

    name = f"config {service.name}"
    if state := site.halted(service.name):
        return not_verifiable(name, state)
    assert service.config is not None
    wanted, found = digest(service.config.files), release()
    if found == wanted:
        return passed(name, f"release {found}")
    expected = f"release {wanted} of the spec"
    return failed(name, f"release {found or 'none'}", expected=expected, remedy=site.declared.apply)


def retention(site: Site, service: Service, wanted: Retention) -> Check:
    """The retention that the service says is in force is that of the spec."""
    name = f"retention {service.name}"
    try:
        printed = _value(site.ask(service.name, wanted.path).text, wanted.key)
    except Lost as lost:
        return failed(name, lost.seen, expected=_shown(wanted), remedy=site.remedy(lost.who))
    try:
        found = parsed(printed)
    except ValueError:
        return failed(name, f"{printed!r}", expected=_shown(wanted), remedy=site.declared.apply)
    if found != (wanted.time, wanted.size):
        return failed(name, printed, expected=_shown(wanted), remedy=site.declared.apply)
    return passed(name, printed)


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
    node: Any = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
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
