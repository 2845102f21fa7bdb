"""Makes things once a machine, outside the checkout: locked, resumable, checked by checksum, with honest progress."""

from pointsman.builds.debian import DebianBuild, debian_build
from pointsman.builds.golang import GoBuild, go_build
from pointsman.builds.model import Build, BuildError, Workspace, fingerprint, hash_tree
from pointsman.builds.progress import LiveProgress, PlainProgress, Progress, progress_for
from pointsman.builds.store import Store
from pointsman.builds.system import SystemBuild, system_build
from pointsman.builds.wheels import PythonBuild, python_build

__all__ = [
    "Build",
    "BuildError",
    "DebianBuild",
    "GoBuild",
    "LiveProgress",
    "PlainProgress",
    "Progress",
    "PythonBuild",
    "Store",
    "SystemBuild",
    "Workspace",
    "debian_build",
    "fingerprint",
    "go_build",
    "hash_tree",
    "progress_for",
    "python_build",
    "system_build",
]
