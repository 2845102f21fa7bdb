"""From an image of the catalogue to the build that makes its parts, or the whole of it."""

from __future__ import annotations

from typing import Final

from pointsman.builds import (
    Build,
    DebianBuild,
    GoBuild,
    PythonBuild,
    SystemBuild,
    debian_build,
    go_build,
    python_build,
    system_build,
)
from pointsman.images.catalogue import Host, Service
from pointsman.images.recipes import DebianRecipe, GoRecipe, PythonRecipe
from pointsman.paths import checkout

_GIB: Final = 2**30


def build_of(name: str, image: Service | Host) -> Build:
    """The build of an image that has a recipe."""
    if isinstance(image, Host):
        return _system(name, image)
    assert image.packages is not None
    recipe = image.packages.kind
    if isinstance(recipe, DebianRecipe):
        return _debian(name, recipe)
    return _python(name, image, recipe) if isinstance(recipe, PythonRecipe) else _go(name, image, recipe)


def _system(name: str, host: Host) -> Build:
    return system_build(
        SystemBuild(
            name=f"images/{name}",
            suite=host.suite,
            version=host.version,
            packages=host.packages,
            folder=checkout() / "images" / host.folder,
            seconds=host.seconds,
            scratch_bytes=host.scratch * _GIB,
        )
    )


def _debian(name: str, recipe: DebianRecipe) -> Build:
    return debian_build(
        DebianBuild(
            name=f"images/{name}",
            suite=recipe.suite,
            packages=recipe.packages,
            binaries=recipe.binaries,
            files=recipe.files,
            seconds=recipe.seconds,
            scratch_bytes=recipe.scratch * _GIB,
        )
    )


def _python(name: str, service: Service, recipe: PythonRecipe) -> Build:
    return python_build(
        PythonBuild(
            name=f"images/{name}",
            version=service.made_version,
            suite=recipe.suite,
            python=recipe.python,
            packages=recipe.packages,
            distributions=recipe.distributions,
            lock=checkout() / "requirements" / recipe.lock,
            seconds=recipe.seconds,
            scratch_bytes=recipe.scratch * _GIB,
        )
    )


def _go(name: str, service: Service, recipe: GoRecipe) -> Build:
    return go_build(
        GoBuild(
            name=f"images/{name}",
            folder=checkout() / "images" / recipe.folder,
            binaries=recipe.packages,
            version=service.made_version,
            seconds=recipe.seconds,
            scratch_bytes=recipe.scratch * _GIB,
            tags=tuple(recipe.tags),
            ldflags=recipe.ldflags,
        )
    )
