"""The stand-in runner as a whole: its contract is complete, it needs Python alone, and it comes as a tarball."""

from __future__ import annotations

import re
import sys
import tarfile
from pathlib import Path

from tests.standins.packing import pack
from tests.standins.running import PROGRAM, Installed


def test_each_row_has_a_test() -> None:
    """No row without a test, and no test without a row."""
    rows = re.findall(r"^\| ([A-Z]\d\d) \|", (PROGRAM / "CONTRACT.md").read_text(), re.MULTILINE)
    written = "".join(path.read_text() for path in Path(__file__).parent.glob("test_runner*.py"))
    tests = {row.upper() for row in re.findall(r"^def test_([a-z]\d\d)_", written, re.MULTILINE)}
    assert len(rows) == len(set(rows))
    assert set(rows) == tests


def test_it_needs_the_standard_library_only() -> None:
    """It runs on a hardened host without pip: every import is its own or of Python itself."""
    for path in (PROGRAM / "bin").rglob("*.py"):
        for module in re.findall(r"^(?:from|import) (\w+)", path.read_text(), re.MULTILINE):
            assert module in sys.stdlib_module_names, f"{path.name} imports {module}"


def test_it_is_packed_as_the_real_one(runner: Installed, tmp_path: Path) -> None:
    """The same bytes each time, with the version that was asked for; what is unpacked runs."""
    path, digest = pack(tmp_path, "2.340.1")
    assert path.name == "actions-runner-linux-x64-2.340.1.tar.gz"
    assert pack(tmp_path, "2.340.1")[1] == digest != pack(tmp_path)[1]
    unpacked = Installed(tmp_path / "unpacked", runner.standin, runner.environment)
    with tarfile.open(path) as archive:
        archive.extractall(unpacked.folder, filter="data")
    there = {each.name for each in unpacked.folder.iterdir()}
    assert there == {"config.sh", "run.sh", "env.sh", "run-helper.sh.template", "bin"}
    assert unpacked.run("bin/Runner.Listener", "--version").stdout == "2.340.1\n"
