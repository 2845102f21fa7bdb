"""The hosts of an environment as its services know them."""

from __future__ import annotations

from dataclasses import dataclass

from pointsman.inventory import Host, Package


@dataclass(frozen=True)
class Standin:
    """What the GitHub stand-in of an environment needs of this machine: the file of its token, the folder of runner
    programs, and the program in it (name, sha256, version)."""

    token_file: str
    packages: str
    program: Package


@dataclass(frozen=True)
class Fleet:
    """The hosts of an environment; none where it declares none. `standin` is None where runners belong to a GitHub."""

    hosts: tuple[Host, ...] = ()
    standin: Standin | None = None
