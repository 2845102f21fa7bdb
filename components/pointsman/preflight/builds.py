"""Whether this machine has what the builds need that `up` would do: Go, a package manager, certificates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pointsman.builds import Build, Store
from pointsman.checks import Check, failed, passed
from pointsman.errors import PointsmanError
from pointsman.preflight.images import ImageLook
from pointsman.preflight.registry import RegistryLook
from pointsman.toolchain import installed, parts, pins
from pointsman.toolchain.pins import numbers
from pointsman.toolchain.provision import choice

NAME = "builds"


@dataclass(frozen=True)
class Lack:
    """What stands against a build; `sure` when it is done in any case, and not only if a registry lacks the image."""

    build: str
    message: str
    remedy: str
    sure: bool = True


@dataclass(frozen=True)
class BuildFacts:
    """The builds to do, by name, and what stands against them; `unseen` says why nothing is known of images."""

    sure: Sequence[str]
    perhaps: Sequence[str] = ()
    lacks: Sequence[Lack] = ()
    unseen: str = ""


def check(source: str, images: ImageLook, registries: RegistryLook) -> Check:
    """Whether what is to be built can be."""
    silent = {each.host for each in registries.silent}
    pending = [(each.build, not each.host or each.host in silent) for each in images.lacking if each.build]
    wanted = [*((build, True) for build in toolchain()), *pending]
    lacks = [lack for build, sure in wanted if (lack := _lack(build, sure))]
    return judge(
        BuildFacts(
            sure=[build.name for build, sure in wanted if sure],
            perhaps=[build.name for build, sure in wanted if not sure],
            lacks=lacks,
            unseen=images.unseen if source != "registry" else "",
        )
    )


def toolchain() -> list[Build]:
    """The parts of the toolchain that are not built yet; none where an installed one is taken, which `up` probes."""
    if choice() == "installed" or (choice() == "auto" and installed.find_cli()):
        return []
    store = Store()
    return [part for part in parts.builds(pins.recipes_dir(), pins.load()) if not store.is_built(part)]


def judge(facts: BuildFacts) -> Check:
    """The check, from facts alone."""
    unseen = f"; of images: {facts.unseen}" if facts.unseen else ""
    if faults := [lack for lack in facts.lacks if lack.sure]:
        more = f"; so it is with {', '.join(lack.build for lack in faults[1:])}" if len(faults) > 1 else ""
        return failed(
            NAME,
            f"{faults[0].message}{more}{unseen}",
            expected=f"what the builds of {', '.join(lack.build for lack in faults)} need",
            remedy="; ".join(_remedies(faults)),
        )
    if facts.lacks:
        names = ", ".join(lack.build for lack in facts.lacks)
        told = f"{facts.lacks[0].message}: {names} can be had only as long as the registry gives the images"
        return passed(NAME, f"{told}{unseen}")
    if facts.sure:
        return passed(NAME, f"what they need is there: {', '.join(facts.sure)}{unseen}")
    if facts.perhaps:
        told = "none to do if the registry gives the images; what they need is there all the same"
        return passed(NAME, f"{told}: {', '.join(facts.perhaps)}{unseen}")
    return passed(NAME, f"none to do{unseen}")


def _lack(build: Build, sure: bool) -> Lack | None:
    try:
        if build.require:
            build.require()
    except PointsmanError as error:
        return Lack(build.name, error.message, error.remedy, sure)
    return None


def _remedies(lacks: Sequence[Lack]) -> list[str]:
    """Each remedy once; of those that differ only in versions the one with the newest, which serves all."""
    newest: dict[str, str] = {}
    for lack in lacks:
        kind = "".join(char for char in lack.remedy if not char.isdigit() and char != ".")
        newest[kind] = max(newest.get(kind, ""), lack.remedy, key=_versions)
    return list(newest.values())


def _versions(text: str) -> list[tuple[int, ...]]:
    return [numbers(word) for word in text.replace("=", " ").split() if word[:1].isdigit()]
