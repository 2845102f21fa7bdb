"""One fact, one place: the pins agree with the go.mod files, the requirements and the library's own dependencies."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pointsman.errors import UsageError
from pointsman.toolchain.pins import load, numbers

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "toolchain"


def required(go_mod: Path, module: str) -> str:
    """The version of a module that a go.mod requires."""
    found = re.search(rf"^(?:require|\t)\s*{re.escape(module)} v(\S+)", go_mod.read_text(), re.MULTILINE)
    assert found, f"{go_mod} does not require {module}"
    return found[1]


def test_pins_agree_with_the_modules() -> None:
    """The CLI is of the pinned version, and the helper scripts come from the same SDK."""
    pins = load()
    assert required(RECIPES / "pulumi" / "go.mod", "github.com/pulumi/pulumi/pkg/v3") == pins.pulumi.version
    assert required(RECIPES / "docker-plugin" / "go.mod", "github.com/pulumi/pulumi/sdk/v3") == pins.pulumi.version
    assert numbers(pins.pulumi.minimum) <= numbers(pins.pulumi.version)


def test_pins_agree_with_the_python_packages() -> None:
    """The plugin serves the SDK that the library depends on; the host speaks the locked SDK's protocol, which the
    library accepts too.
    """
    pins = load()
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert f"pulumi-docker=={pins.docker_plugin.version}" in dependencies
    lock = (RECIPES / "language-host" / "requirements.lock").read_text()
    assert re.findall(r"^pulumi==(\S+)", lock, re.MULTILINE) == [pins.language_host.version]
    oldest = next(found[1] for line in dependencies if (found := re.match(r"pulumi>=([\d.]+)", line)))
    assert numbers(pins.language_host.version) >= numbers(oldest)


def test_every_locked_requirement_has_hashes() -> None:
    """pip is told to require hashes: a requirement without one would fail on the user's machine."""
    lock = (RECIPES / "language-host" / "requirements.lock").read_text()
    blocks = re.split(r"^(?=[a-z])", lock, flags=re.MULTILINE)[1:]
    assert blocks
    assert all("--hash=sha256:" in block for block in blocks)


def test_a_wrong_pin_is_named(tmp_path: Path) -> None:
    """A mistake tells file, key and value, and every mistake is listed at once."""
    path = tmp_path / "toolchain.yaml"
    text = (RECIPES / "toolchain.yaml").read_text()
    path.write_text(text.replace("version: 5.2.0", "version: newest").replace("package:", "pakage:"))
    with pytest.raises(UsageError) as caught:
        load(path)
    assert str(path) in caught.value.message
    assert "docker_plugin.version" in caught.value.detail
    assert "'newest'" in caught.value.detail
    assert "docker_engine.package" in caught.value.detail
    assert "docker_engine.pakage" in caught.value.detail


@pytest.mark.parametrize(
    ("text", "expected"), [("v3.256.0", (3, 256, 0)), ("3.300.0-alpha.1+x", (3, 300, 0)), ("1.41", (1, 41)), ("", ())]
)
def test_versions_compare_as_numbers(text: str, expected: tuple[int, ...]) -> None:
    """As text 3.99 would be newer than 3.256."""
    assert numbers(text) == expected
