"""Reading from the disk: names of environments, files that are none, bytes that are no text."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointsman.errors import UsageError
from pointsman.spec.mistakes import SpecError
from pointsman.spec.models import Environment
from pointsman.spec.reader import MAX_BYTES, environments, read, read_environment


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two environments and Pulumi's own file, and the command run inside it."""
    stacks = tmp_path / "stacks"
    stacks.mkdir()
    (tmp_path / "Pulumi.yaml").write_text("")
    (stacks / "dev.yaml").write_text("loki: {retention: 2d}\n")
    (stacks / "staging.yaml").write_text("loki: {retention: 1h}\n")
    (stacks / "Pulumi.dev.yaml").write_text("")
    monkeypatch.setenv("POINTSMAN_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_environment_is_read_by_its_name(checkout: Path) -> None:
    """stacks/<name>.yaml of the checkout is what a name stands for; Pulumi's files are none."""
    assert read_environment("dev").loki.retention == "2d"
    assert environments() == ["dev", "staging"]


@pytest.mark.parametrize("name", ["a/b", "../dev", "", "Dev", "1st", "a" * 32, "dev\n", "dev.yaml", "dév"])
def test_a_name_that_cannot_be_one_is_refused(checkout: Path, name: str) -> None:
    """A name becomes part of containers' names and of a path: the message says what it may hold."""
    with pytest.raises(UsageError, match="expected small letters, digits and hyphens, a letter first"):
        read_environment(name)


def test_an_unknown_name_lists_what_is_there(checkout: Path) -> None:
    """Whoever mistypes a name sees the names."""
    with pytest.raises(UsageError) as caught:
        read_environment("stagin")
    assert str(caught.value) == (
        "there is no environment stagin: stacks/stagin.yaml does not exist\n"
        "next: did you mean staging? there is: dev, staging"
    )


@pytest.mark.parametrize("folder", ["stacks", "."])
def test_files_are_named_as_short_as_can_be(checkout: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    """Below the working directory, so that the name can be opened from there."""
    monkeypatch.chdir(checkout / folder)
    with pytest.raises(SpecError) as caught:
        read_environment("staging")
    assert (Path.cwd() / caught.value.mistakes[0].file).is_file()
    assert not Path(caught.value.mistakes[0].file).is_absolute()


def test_what_cannot_be_read_is_said(checkout: Path) -> None:
    """A directory, a missing file, a link to itself, a device, a file far too large, a NUL in the name: each said."""
    loop = checkout / "loop.yaml"
    loop.symlink_to(loop)
    large = checkout / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    cases = {
        "stacks": "stacks is a directory; expected a YAML file",
        "none.yaml": "none.yaml cannot be read: No such file",
        "loop.yaml": "loop.yaml cannot be read: Too many levels",
        "/dev/null": "/dev/null is no regular file",
        "large.yaml": f"expected a spec of at most {MAX_BYTES}",
        "a\0b": "cannot be read: embedded null byte",
    }
    for name, message in cases.items():
        with pytest.raises(UsageError, match=message):
            read(Path(name))


def test_a_file_without_permission_is_said(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's refusal becomes a message (root may read everything, hence the stand-in for it)."""

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UsageError, match=r"stacks/dev\.yaml cannot be read: Permission denied"):
        read(checkout / "stacks/dev.yaml")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_bytes_that_are_no_text_are_placed(checkout: Path, mark: bytes) -> None:
    """The place of the first byte that is not UTF-8, with and without a byte order mark."""
    path = checkout / "latin.yaml"
    path.write_bytes(mark + b"# \xc3\xa4\nloki: '\xe4'\n")
    with pytest.raises(SpecError) as caught:
        read(path)
    assert str(caught.value.mistakes[0]) == (
        "latin.yaml:2:8  the byte 0xe4 is not UTF-8; expected a file saved as UTF-8"
    )


def test_a_byte_order_mark_is_no_mistake(checkout: Path) -> None:
    """Editors on Windows write one."""
    path = checkout / "mark.yaml"
    path.write_bytes(b"\xef\xbb\xbfloki: {retention: 2d}\n")
    assert read(path).loki.retention == "2d"


@pytest.mark.parametrize("name", ["dev", "ci", "staging", "production"])
def test_the_repository_s_own_environments_are_right(name: str) -> None:
    """What a newcomer starts with or copies has no mistake, and Docker is what it is for."""
    stacks = Path(__file__).parents[3] / "stacks"
    assert read(stacks / f"{name}.yaml").target == "docker"


def test_ci_stands_beside_dev() -> None:
    """Both run on one machine at once: every port is the default's moved by 10000, and so none is shared."""
    ports = read(Path(__file__).parents[3] / "stacks/ci.yaml").ports.model_dump()
    assert ports == {name: port + 10_000 for name, port in Environment().ports.model_dump().items()}
