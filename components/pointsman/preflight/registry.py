"""Whether the registries answer that images are still to be pulled from, asked by the way that the engine takes."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from pointsman.checks import Check, failed, not_verifiable, passed
from pointsman.preflight.engine import Look, within
from pointsman.preflight.facts import Registries
from pointsman.preflight.images import ImageLook
from pointsman.services.estate import OPTIONAL
from pointsman.spec.models import Environment

NAME = "registry"
SECONDS = 2.0
HUB = "docker.io"
HUB_ADDRESS = "registry-1.docker.io"
# In what the engine tells of its proxies, a user and password read so (moby, daemon/info.go).
MASKED = "xxxxx:xxxxx@"


@dataclass(frozen=True)
class Asked:
    """What came of asking one registry for `services`: `reason` says why it cannot be reached, "" when it can.

    `bare` are those of the services that cannot be built either.
    """

    host: str
    services: tuple[str, ...]
    reason: str = ""
    bare: tuple[str, ...] = ()


@dataclass(frozen=True)
class RegistryLook:
    """The registries that were asked; `needless` or `unseen` say why none was. `seconds`: of the look."""

    asked: tuple[Asked, ...] = ()
    needless: str = ""
    unseen: str = ""
    seconds: float = 0.0

    @property
    def silent(self) -> tuple[Asked, ...]:
        """Those that cannot be reached."""
        return tuple(each for each in self.asked if each.reason)


def look(spec: Environment, images: ImageLook, seen: Look) -> RegistryLook:
    """Asks each registry that `up` would pull a missing image from; all at once, `SECONDS` at most."""
    if spec.images.source == "packages":
        return RegistryLook(needless="images.source is packages")
    if images.unseen or seen.facts is None:
        return RegistryLook(unseen=images.unseen or "no Docker engine answered")
    wanted = {image.host: _wanted(image.host, images) for image in images.lacking if image.host}
    if not wanted:
        return RegistryLook(needless="no image is to be pulled")
    known = [replace(each, reason=images.silent[host]) for host, each in wanted.items() if host in images.silent]
    fresh = [host for host in wanted if host not in images.silent]
    if fresh and not seen.is_here:
        return RegistryLook(unseen=f"{', '.join(fresh)} is asked by the engine, which runs on another machine")
    settings = seen.facts.registries
    if fresh and MASKED in settings.https_proxy:
        return RegistryLook(unseen=f"{', '.join(fresh)} is asked through a proxy whose password only the engine knows")
    with ThreadPoolExecutor(max_workers=len(fresh) or 1) as pool:
        reasons = pool.map(lambda host: ask(host, settings), fresh)
        asked = [replace(wanted[host], reason=reason) for host, reason in zip(fresh, reasons, strict=True)]
    return RegistryLook((*known, *asked))


def check(source: str, found: RegistryLook) -> Check:
    """Whether they answer; its seconds are those of the look that others share."""
    return replace(judge(source, found), seconds=found.seconds)


def judge(source: str, found: RegistryLook) -> Check:
    """The check, from facts alone: a silent registry is a fault only where nothing else gives the images."""
    if found.needless:
        return passed(NAME, f"not needed: {found.needless}")
    if found.unseen:
        return not_verifiable(NAME, found.unseen)
    if not found.silent:
        return passed(NAME, f"{', '.join(each.host for each in found.asked)} answers")
    told = "; ".join(f"{each.host} cannot be reached ({each.reason})" for each in found.silent)
    services = ", ".join(service for each in found.silent for service in each.services)
    bare = [service for each in found.silent for service in each.bare]
    if source == "auto" and OPTIONAL.issuperset(bare):
        built = ", ".join(service for each in found.silent for service in each.services if service not in each.bare)
        without = f"; left out: {', '.join(bare)}" if bare else ""
        return passed(NAME, f"{told}: packages will be used{f' for {built}' if built else ''}{without}")
    if source == "auto":
        services = ", ".join(service for service in bare if service not in OPTIONAL)
    return failed(
        NAME,
        told,
        expected=f"a registry that gives the images of {services}",
        remedy="check the network and the proxy of the Docker engine, or set images.registry to one that can be "
        "reached, or images.source to auto or packages",
    )


def ask(host: str, settings: Registries) -> str:
    """Why a registry cannot be reached, "" when it or one of its mirrors answers within `SECONDS`."""
    if host != HUB:
        return _ask(_schemes(host, settings), host, settings)
    mirrors = [urlsplit(mirror) for mirror in settings.mirrors]
    ways = [((each.scheme,), each.netloc) for each in mirrors if each.netloc] + [(("https",), HUB_ADDRESS)]
    with ThreadPoolExecutor(max_workers=len(ways)) as pool:
        reasons = list(pool.map(lambda way: _ask(way[0], way[1], settings), ways))
    return "" if "" in reasons else reasons[-1]


def _wanted(host: str, images: ImageLook) -> Asked:
    found = [image for image in images.lacking if image.host == host]
    bare = tuple(image.service for image in found if not image.recipe)
    return Asked(host, tuple(image.service for image in found), bare=bare)


def _ask(schemes: Sequence[str], host: str, settings: Registries) -> str:
    try:
        return within(SECONDS, lambda: _answer(schemes, host, settings))
    except TimeoutError:
        return f"no answer within {SECONDS:.0f} s"


def _answer(schemes: Sequence[str], host: str, settings: Registries) -> str:
    import httpx  # late: it takes 0.1 s, and mostly nothing is to be asked

    reason = ""
    for scheme in schemes:
        try:
            # Whether its certificate is good is for the engine to say, which may know other authorities than Python.
            answer = httpx.get(
                f"{scheme}://{host}/v2/",
                proxy=proxy_for(scheme, host, settings),
                trust_env=False,
                verify=False,
                timeout=SECONDS,
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            reason = reason or str(error) or type(error).__name__
            continue
        # One who is unknown gets 401 from a registry; 403 comes from what stands before it.
        if answer.status_code != 403 and answer.status_code < 500:
            return ""
        reason = f"answered {answer.status_code}"
    return reason


def proxy_for(scheme: str, host: str, settings: Registries) -> str | None:
    """The proxy that the engine takes to a host, None for none."""
    name = host.partition(":")[0]
    if name == "localhost" or _is_in(name, "127.0.0.0/8"):
        return None
    for entry in filter(None, (part.strip() for part in settings.no_proxy.split(","))):
        if entry == "*" or _is_in(name, entry) or f".{name}".endswith(f".{entry.partition(':')[0].lstrip('.')}"):
            return None
    return (settings.https_proxy if scheme == "https" else settings.http_proxy) or None


def _schemes(host: str, settings: Registries) -> tuple[str, ...]:
    name = "127.0.0.1" if host.partition(":")[0] == "localhost" else host.partition(":")[0]
    lax = any(host == each or _is_in(name, each) for each in settings.insecure)
    return ("https", "http") if lax else ("https",)


def _is_in(name: str, network: str) -> bool:
    with contextlib.suppress(ValueError):
        return ip_address(name) in ip_network(network)
    return False
