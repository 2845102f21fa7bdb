"""Debian packages of any suite, downloaded beside the machine's own apt: nothing is installed.

apt runs with a configuration and folders of its own in the run's scratch. Mirrors, keys, proxies and credentials are
those of the machine; signatures are checked as always.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pointsman.builds import apt_sources, locks
from pointsman.builds.apt_sources import Source
from pointsman.builds.model import BuildError, Workspace
from pointsman.errors import UnreachableError

_PROGRAMS: Final = ("apt-get", "apt-config", "dpkg", "dpkg-deb")

_CONFIG: Final = """\
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "{folder}/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "{folder}/preferences";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Acquire::Languages "none";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
APT::Sandbox::User "root";
"""
# Whatever else a machine's sources lead to: packages are taken from Debian, or not at all.
_PREFERENCES: Final = """\
Package: *
Pin: release o=Debian
Pin-Priority: 990

Package: *
Pin: release o=*
Pin-Priority: -1
"""


def require(name: str, suite: str, packages: Iterable[str], programs: Iterable[str] = (), *, other: str = "") -> None:
    """Raise UnreachableError where there is no apt, none that is fed by Debian, or a further program is lacking.

    `other` is what can be done beside using a machine that has all this, as the end of a sentence.
    """
    missing = [program for program in (*_PROGRAMS, *programs) if shutil.which(program) is None]
    reason = f"there is no {', '.join(missing)} on PATH" if missing else ""
    if not reason and not sources(suite):
        reason = f"the sources in {apt_sources.APT} name no Debian release"
    if reason:
        raise UnreachableError(
            f"{name} is made of Debian packages ({', '.join(packages)} of {suite}); {reason}",
            remedy=f"use a machine with Debian{other}",
        )


def sources(suite: str) -> list[Source]:
    """Where this machine would get a suite of Debian from."""
    return apt_sources.retargeted(apt_sources.machine_sources(apt_sources.APT), suite)


def download(name: str, suite: str, packages: Iterable[str], workspace: Workspace) -> dict[str, Path]:
    """The archive of each package. The suite's index is fetched once for all builds of a run.

    `name` is the build's, for messages. Raises UnreachableError when a package cannot be had.
    """
    folder, here = workspace.shared / f"apt-{suite}", workspace.scratch / "archives"
    here.mkdir()
    env = {"APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C"}
    wanted = list(packages)
    try:
        with locks.exclusive(workspace.shared / f"apt-{suite}.lock"):
            if not (folder / "updated").exists():
                _configure(folder, suite)
                workspace.report(f"reading the index of {suite}", None)
                workspace.run(["apt-get", "update", "-q"], env=env)
                (folder / "updated").touch()
        workspace.report("downloading", None)
        workspace.run(["apt-get", "download", "-q", *wanted], cwd=here, env=env)
    except BuildError as error:
        (folder / "updated").unlink(missing_ok=True)
        raise UnreachableError(
            f"{name}: {', '.join(wanted)} cannot be had from Debian's {suite}",
            detail=error.detail,
            remedy=f"check the network and the Debian mirrors in {apt_sources.APT}, then try again",
        ) from error
    return {package: next(here.glob(f"{package}_*.deb")) for package in wanted}


def acquire_settings(dump: str) -> str:
    """Of all settings of a machine's apt, how it reaches mirrors; none of its hooks, and no further indexes."""
    kept = re.compile(r"Acquire::(?!Allow|Languages|IndexTargets|CompressionTypes|Changelogs|GzipIndexes)[^ ]")
    return "".join(f"{line}\n" for line in dump.splitlines() if kept.match(line) and not line.endswith(' "";'))


def proxies(dump: str) -> dict[str, str]:
    """The proxies of a machine's apt settings, as the environment variables that other programs read."""
    found = re.findall(r'^Acquire::(https?)::Proxy "([^"]+)";$', dump, re.MULTILINE | re.IGNORECASE)
    return {f"{scheme.lower()}_proxy": "" if url == "DIRECT" else url for scheme, url in found}


def machine_settings() -> str:
    """All settings of this machine's apt, as `apt-config dump` prints them."""
    env = {key: value for key, value in os.environ.items() if key != "APT_CONFIG"}
    # Not by the workspace: the log would keep the credentials of a proxy.
    return subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False, env=env).stdout


def _configure(folder: Path, suite: str) -> None:
    """Lay out apt's own folders and files for a suite."""
    for below in ("state/lists/partial", "cache/archives/partial"):
        (folder / below).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    (folder / "preferences").write_text(_PREFERENCES, encoding="utf-8")
    # Mirrors and proxies may carry credentials.
    for name, text in (
        ("debian.sources", apt_sources.rendered(sources(suite))),
        ("apt.conf", _CONFIG.format(folder=folder) + acquire_settings(machine_settings())),
    ):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text, encoding="utf-8")
