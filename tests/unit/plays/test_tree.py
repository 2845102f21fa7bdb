"""The hash that decides whether hosts are played again."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pointsman.plays import tree_hash

NAMES = st.text("abc", min_size=1, max_size=3)
TREES = st.dictionaries(st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.binary(max_size=8), max_size=5)


def written(files: dict[str, bytes], root: Path, *, backwards: bool = False) -> Path:
    """A folder with these files; those that another would be a folder of are left out."""
    for name, content in sorted(files.items(), reverse=backwards):
        path = root / name
        if path.is_dir() or any((root / parent).is_file() for parent in Path(name).parents):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def contents(root: Path) -> dict[str, bytes]:
    """What there is."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@given(TREES, TREES)
def test_equal_exactly_when_the_files_are(one: dict[str, bytes], two: dict[str, bytes]) -> None:
    """Two trees have one hash when each file has the same path and content, in whatever order they were written."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        left, right = written(one, Path(first)), written(two, Path(second), backwards=True)
        assert (tree_hash(left) == tree_hash(right)) == (contents(left) == contents(right))


def test_what_counts_and_what_does_not(tmp_path: Path) -> None:
    """Times and what tools leave behind do not count; that a file can be run, and where a link leads, does."""
    path = tmp_path / "roles" / "x.yml"
    path.parent.mkdir()
    path.write_text("a: 1\n")
    before = tree_hash(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").touch()
    (tmp_path / ".ansible").mkdir()
    (tmp_path / ".ansible" / "lock").touch()
    path.touch()
    assert tree_hash(tmp_path) == before
    path.chmod(0o755)
    runnable = tree_hash(tmp_path)
    assert runnable != before
    (tmp_path / "link").symlink_to("roles")
    assert tree_hash(tmp_path) not in (before, runnable)
