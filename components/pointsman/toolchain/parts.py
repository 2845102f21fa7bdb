"""The toolchain's parts as builds, and the merged toolchain that is made of them."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from pointsman.builds import Build, GoBuild, Store, fingerprint, go_build
from pointsman.builds.locks import exclusive
from pointsman.paths import cache_dir
from pointsman.toolchain.language_host import language_host
from pointsman.toolchain.pins import Pins

PULUMI = "toolchain/pulumi"
DOCKER_PLUGIN = "toolchain/docker-plugin"
PLUGIN_BINARY = "pulumi-resource-docker"
_CLI_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_CLI_VERSION = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
_PLUGIN_VERSION = "github.com/terraform-providers/terraform-provider-docker/pulumi/provider.Version"


@dataclass(frozen=True)
class Home:
    """Where a toolchain is: `bin` goes on PATH, `pulumi_home` holds its plugins and credentials."""

    bin: Path
    pulumi_home: Path


def builds(recipes: Path, pins: Pins) -> list[Build]:
    """The parts in the order in which they are best built: the plugin reuses most of what the CLI compiled."""
    return [
        go_build(
            GoBuild(
                name=PULUMI,
                folder=recipes / "pulumi",
                binaries={"pulumi": _CLI_PACKAGE},
                version=pins.pulumi.version,
                seconds=pins.pulumi.seconds,
                scratch_bytes=pins.pulumi.scratch_bytes,
                ldflags=f"-X {_CLI_VERSION}=v{pins.pulumi.version}",
            )
        ),
        go_build(
            GoBuild(
                name=DOCKER_PLUGIN,
                folder=recipes / "docker-plugin",
                binaries={PLUGIN_BINARY: "."},
                version=pins.docker_plugin.version,
                seconds=pins.docker_plugin.seconds,
                scratch_bytes=pins.docker_plugin.scratch_bytes,
                ldflags=f"-X {_PLUGIN_VERSION}={pins.docker_plugin.version}",
                # Without its Compose resource, which needs C and which the public plugin has not either.
                tags=("no_compose",),
                generator="./tfgen",
                generator_arguments=("schema", "--out", "."),
                generated=("schema.json", "bridge-metadata.json"),
            )
        ),
        language_host(recipes, pins),
    ]


def home(recipe: str) -> Home:
    """The folders of a toolchain."""
    root = cache_dir() / "toolchain"
    return Home(root / f"bin-{recipe}", root / f"home-{recipe}")


def recipe_of(parts: list[Build]) -> str:
    """The hash of all parts."""
    return fingerprint(*(part.recipe for part in parts))


def links(parts: list[Build], store: Store, pins: Pins) -> dict[Path, Path]:
    """Every link of the merged toolchain and the built file it leads to."""
    merged = home(recipe_of(parts))
    paths = {part.name: store.path(part) for part in parts}
    host = next(path for name, path in paths.items() if name not in (PULUMI, DOCKER_PLUGIN))
    plugin = merged.pulumi_home / "plugins" / f"resource-docker-v{pins.docker_plugin.version}" / PLUGIN_BINARY
    in_bin = [
        paths[PULUMI] / "pulumi",
        *(host / name for name in ("pulumi-language-python", "pulumi-language-python-exec")),
        host / "pulumi-resource-pulumi-python",
    ]
    return {**{merged.bin / file.name: file for file in in_bin}, plugin: paths[DOCKER_PLUGIN] / PLUGIN_BINARY}


def assemble(wanted: dict[Path, Path]) -> None:
    """Make all links. Each is there whole or as it was, whoever else does this or is killed meanwhile."""
    with exclusive(cache_dir() / "locks" / "toolchain"):
        for link, target in wanted.items():
            if link.exists() and link.samefile(target):
                continue
            link.parent.mkdir(parents=True, exist_ok=True)
            fresh = link.with_name(f".{link.name}.new")
            fresh.unlink(missing_ok=True)
            _link(fresh, target)
            fresh.replace(link)


def _link(link: Path, target: Path) -> None:
    """A symbolic link; for the CLI a hard one: it looks for its language host beside the file that it really is."""
    if target.name == "pulumi":
        with contextlib.suppress(OSError):
            link.hardlink_to(target)
            return
        shutil.copy2(target, link)
    else:
        link.symlink_to(target)
