"""How fast runs are archived, beside the command lines zip and zstd, which neither hash nor read back nor sync.

No stack is needed. Shown are seconds, and megabytes of artifacts a second at the median; memory is what one process
needed more for 2 GB than for 2 MB.
"""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pointsman.monitor.handlers import zipping
from pointsman.monitor.handlers.archive import Archive, ArchiveSettings, archive_file
from tests.benchmarks.measuring import timed
from tests.unit.monitor.handlers.runs import occurrence, run

ROUNDS = 3
MB = 10**6
WORDS = ("INFO", "WARN", "step", "build", "deploy", "/srv/app", "took", "ms", "cache", "miss", "worker", "retry")


def lines(seed: int) -> Iterator[bytes]:
    """A log as builds write it: words, numbers, times."""
    chance = random.Random(seed)
    for number in range(sys.maxsize):
        words = " ".join(chance.choices(WORDS, k=8))
        yield f"2026-03-01T12:{number // 60 % 60:02}:{number % 60:02}Z {words} id={chance.randrange(10**9)}\n".encode()


def log(file: Path, size: int, seed: int) -> None:
    """A log of about so many bytes."""
    with file.open("wb") as out:
        for line in lines(seed):
            out.write(line)
            if out.tell() >= size:
                return


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Artifacts of three kinds, 100 MB each and fewer for small files."""
    root = tmp_path_factory.mktemp("artifacts")
    kinds = {name: root / name for name in ("logs", "noise", "small")}
    for folder in kinds.values():
        folder.mkdir()
    for number in range(4):
        log(kinds["logs"] / f"{number}.log", 25 * MB, number)
        (kinds["noise"] / f"{number}.tar.gz").write_bytes(random.Random(number).randbytes(25 * MB))
    for number in range(5000):
        log(kinds["small"] / f"{number}.log", 2000, number)
    return kinds


def show(what: str, folder: Path, values: list[float], file: Path) -> None:
    """One row."""
    size, took = sum(path.stat().st_size for path in folder.iterdir()), statistics.median(values)
    print(
        f"    {what:<52} min {min(values):6.2f}  median {took:6.2f}  max {max(values):6.2f} s"
        f"  {size / took / MB:6.0f} MB/s  to {file.stat().st_size / size:5.1%}"
    )


def program(name: str, *words: str, folder: Path) -> Callable[[], object]:
    """A command line, run in a folder."""
    return lambda: subprocess.run([name, *words], cwd=folder, check=True, capture_output=True)


def rounds(call: Callable[[], object], file: Path) -> list[float]:
    """Seconds of some runs, each of which makes the file anew."""
    found = []
    for _ in range(ROUNDS):
        file.unlink(missing_ok=True)
        found.append(timed(call))
    return found


@pytest.mark.parametrize("kind", ["logs", "noise", "small"])
def test_throughput(folders: dict[str, Path], tmp_path: Path, kind: str) -> None:
    """Prints the handler, whole and without reading back, and zip and zstd where they are installed."""
    folder, of = folders[kind], run(kind, folders[kind])
    print()
    for level in (1, 6):
        settings = ArchiveSettings(tmp_path, min_free=0, level=level)
        file = archive_file(tmp_path, of)
        whole = rounds(lambda given=settings: Archive(given).handle(occurrence(of)), file)  # type: ignore[misc]
        show(f"{kind}: pointsman, level {level}, hashed, read back, synced", folder, whole, file)
    show(f"{kind}: of that, reading back", folder, [timed(lambda: zipping.verify(file)) for _ in range(ROUNDS)], file)
    theirs = tmp_path / "theirs"
    for level in (1, 6):
        if shutil.which("zip"):
            zipped = theirs.with_suffix(".zip")
            words = ("-q", "-r", f"-{level}", str(zipped), ".")
            show(f"{kind}: zip -{level}", folder, rounds(program("zip", *words, folder=folder), zipped), zipped)
    if shutil.which("zstd"):
        pressed = theirs.with_suffix(".tar.zst")
        tar = program("tar", "--zstd", "-cf", str(pressed), ".", folder=folder)
        show(f"{kind}: tar --zstd, level 3", folder, rounds(tar, pressed), pressed)
    assert zipping.verify(file).skipped == ()


def test_two_gigabytes(tmp_path: Path) -> None:
    """Prints the seconds of one file of 2 GB with a text in it every megabyte, and the memory that it took more."""
    for name, size in (("small", 2 * MB), ("large", 2000 * MB)):
        (tmp_path / name).mkdir()
        with (tmp_path / name / "file").open("wb") as file:
            for number, line in zip(range(size // MB), lines(1), strict=False):
                file.seek(number * MB)
                file.write(line * 4000)
            file.truncate(size)
    code = (
        "import re, sys; from pathlib import Path\n"
        "from pointsman.monitor.handlers.archive import Archive, ArchiveSettings\n"
        "from tests.unit.monitor.handlers.runs import occurrence, run\n"
        "root = Path(sys.argv[1]); handler = Archive(ArchiveSettings(root / 'archive', min_free=0))\n"
        "def peak(name):\n"
        "    handler.handle(occurrence(run(name, root / name)))\n"
        "    return int(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1])\n"
        "small = peak('small'); print((peak('large') - small) / 1024)"
    )
    root = Path(__file__).parents[2]
    words = [sys.executable, "-c", code, str(tmp_path)]
    environment = {"PYTHONPATH": f"{root}:{root / 'components'}"}
    more = list[str]()
    took = timed(lambda: more.append(subprocess.run(words, env=environment, check=True, stdout=-1, text=True).stdout))
    print(
        f"\n    one file of 2 GB: {took:.1f} s, {2000 / took:.0f} MB/s; {more[0].strip()} MB more memory than for 2 MB"
    )
