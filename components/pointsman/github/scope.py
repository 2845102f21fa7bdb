"""What runners belong to: a repository or an organisation, named by its URL, on github.com or an own server."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pointsman.errors import UsageError

# What GitHub lets owners and repositories be called; both end up in the path of requests.
OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9_])?")
NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
GITHUB = "https://github.com"
GITHUB_API = "https://api.github.com"
# Where GitHub Enterprise Server has its REST API, below its own address.
SERVER_API_PATH = "/api/v3"
EXPECTED = "https://github.com/OWNER/REPOSITORY or https://github.com/ORGANISATION"


@dataclass(frozen=True)
class Repository:
    """The repository `owner`/`name`."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Repository:
        """Reads `owner/name`; raises UsageError when it is no such thing."""
        owner, _, name = text.partition("/")
        if not (OWNER.fullmatch(owner) and NAME.fullmatch(name)) or name in (".", ".."):
            raise UsageError(f"{text!r} names no repository", remedy="write OWNER/REPOSITORY, as in acme/app")
        return cls(owner, name)


@dataclass(frozen=True)
class Organisation:
    """The organisation `name`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Scope:
    """Whose runners and secrets are meant. `url` is what a runner is registered at, `api_url` the REST API."""

    of: Repository | Organisation
    url: str
    api_url: str

    def __str__(self) -> str:
        return str(self.of)

    @property
    def repository(self) -> Repository | None:
        """The repository, or None for an organisation."""
        return self.of if isinstance(self.of, Repository) else None

    @classmethod
    def parse(cls, url: str, api_url: str = "") -> Scope:
        """Reads the URL of a repository or an organisation; `api_url` only where it is at no usual place.

        Raises UsageError for anything else, and for an address that would carry the token unencrypted over a network.
        """
        split = urlsplit(url)
        parts = [part for part in split.path.removesuffix(".git").split("/") if part]
        if split.scheme not in ("http", "https") or not split.hostname or split.query or len(parts) not in (1, 2):
            raise UsageError(
                f"the GitHub URL {_shown(url)!r} names no repository or organisation", remedy=f"write {EXPECTED}"
            )
        if split.username or split.password:
            raise UsageError(f"the GitHub URL {_shown(url)!r} has credentials in it", remedy="give the token by file")
        of = Repository.parse("/".join(parts)) if len(parts) == 2 else _organisation(parts[0])
        base = f"{split.scheme}://{split.netloc}"
        api = api_url.rstrip("/") or (GITHUB_API if base == GITHUB else f"{base}{SERVER_API_PATH}")
        _encrypted(base)
        _encrypted(api)
        return cls(of, f"{base}/{'/'.join(parts)}", api)


def _organisation(name: str) -> Organisation:
    if not OWNER.fullmatch(name):
        raise UsageError(f"{name!r} names no organisation", remedy=f"write {EXPECTED}")
    return Organisation(name)


def _shown(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//***@", url)


def _encrypted(url: str) -> None:
    """Raises UsageError for http to anywhere but this machine, a private address or a container's name."""
    split = urlsplit(url)
    host = split.hostname or ""
    if split.scheme == "https":
        return
    try:
        near = ipaddress.ip_address(host).is_private
    except ValueError:
        near = "." not in host or host.endswith(".localhost")
    if split.scheme != "http" or not near:
        raise UsageError(f"{url} would carry the token unencrypted over a network", remedy=f"write https://{host}")
