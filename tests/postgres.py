"""A real PostgreSQL for tests: Debian's, on a loopback port that nobody has, with a password, ended by its process id.

Its programs are those of the machine, else of Debian's packages, unpacked beside the data: nothing is installed.
PostgreSQL refuses to be root: as root it is run as nobody.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from pointsman.spec.runs import StoreSettings
from tests.deployed.specs import free_ports

INSTALLED = Path("/usr/lib/postgresql")
USER = "pointsman"
START_SECONDS = 60
NOBODY = 65534
# What a test writes need not outlive a crash of the machine, and tests share it.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB"}


@dataclass(frozen=True)
class Database:
    """One database of a server. `password_file` is of its owner."""

    host: str
    port: int
    name: str
    password_file: Path

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@{self.host}:{self.port}/{self.name}"

    def settings(self, **more: Any) -> StoreSettings:
        """Settings of a store there."""
        return StoreSettings(url=self.url, password_file=str(self.password_file), **more)

    def connect(self, **more: Any) -> psycopg.Connection[Any]:
        """A connection of its owner, or of another user."""
        told: dict[str, Any] = {
            "user": USER,
            "password": self.password_file.read_text().strip(),
            "autocommit": True,
        } | more
        return psycopg.connect(host=self.host, port=self.port, dbname=self.name, **told)

    def execute(self, *statements: str) -> None:
        """Run statements, each in a transaction of its own."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)


@dataclass
class Server:
    """A PostgreSQL that runs; `programs` is the folder of its programs."""

    programs: Path
    folder: Path
    port: int
    password_file: Path
    process: subprocess.Popen[bytes] | None = None

    def database(self, of: Database | None = None) -> Database:
        """A new database: empty, or a copy of one that nobody is connected to."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._of("postgres").execute(f"CREATE DATABASE {name} TEMPLATE {of.name if of else 'template1'}")
        return self._of(name)

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = [word for key, value in FAST.items() for word in ("-c", f"{key}={value}")]
        command = ["postgres", "-D", str(self.folder / "data"), "-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_as_nobody(), str(self.programs / command[0]), *command[1:], *options],
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(self.programs),
            )
        until = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with contextlib.suppress(psycopg.OperationalError):
                self._of("postgres").execute("SELECT 1")
                return
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """End it at once, connections or not."""
        if self.process is not None:
            self.process.send_signal(2)  # SIGINT is a fast shutdown
            self.process.wait(START_SECONDS)
            self.process = None

    def _of(self, name: str) -> Database:
        return Database("127.0.0.1", self.port, name, self.password_file)


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server with an empty cluster, and nothing of it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pointsman-test-postgres-"))
    try:
        folder.chmod(0o755)
        programs = _programs(folder)
        password_file = folder / "password"
        password_file.write_text(secrets.token_urlsafe(16))
        (folder / "data").mkdir(mode=0o700)
        if os.geteuid() == 0:
            for each in (folder / "data", password_file):
                os.chown(each, NOBODY, NOBODY)
        options = [
            "-U",
            USER,
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "-A",
            "scram-sha-256",
            f"--pwfile={password_file}",
        ]
        _run([*_as_nobody(), str(programs / "initdb"), "-D", str(folder / "data"), *options], programs)
        server = Server(programs, folder, free_ports(1)[0], password_file)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unpacked(folder: Path, packages: Sequence[str]) -> Path:
    """The programs of PostgreSQL, of Debian packages that are downloaded and unpacked in `folder`."""
    archives, tree = folder / "archives", folder / "root"
    archives.mkdir()
    tree.mkdir()
    _run(["apt-get", "download", "-qq", *packages], None, archives)
    for archive in archives.iterdir():
        _run(["dpkg-deb", "-x", str(archive), str(tree)], None)
    return _newest(tree / INSTALLED.relative_to("/"))


def _programs(folder: Path) -> Path:
    if INSTALLED.is_dir() and any(INSTALLED.glob("*/bin/initdb")):
        return _newest(INSTALLED)
    assert shutil.which("apt-get"), f"there is no {INSTALLED}, and without apt-get PostgreSQL cannot be fetched"
    said = _run(["apt-get", "install", "--simulate", "--no-install-recommends", "postgresql"], None)
    # LLVM is for the compilation of queries alone.
    return unpacked(folder, [name for name in re.findall(r"^Inst (\S+)", said, re.MULTILINE) if "llvm" not in name])


def _newest(versions: Path) -> Path:
    return max((each.parent for each in versions.glob("*/bin/initdb")), key=lambda path: int(path.parent.name))


def _environment(programs: Path) -> dict[str, str]:
    tree = programs.parents[4]
    libraries = ":".join({str(each.parent) for each in tree.glob("usr/lib/*/*.so*")}) if tree != Path("/") else ""
    return {"PATH": f"{programs}:{os.environ['PATH']}", "LC_ALL": "C", "LD_LIBRARY_PATH": libraries}


def _as_nobody() -> list[str]:
    """It also ends when whoever started it dies."""
    who = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *who, "--pdeathsig", "INT", "--"]


def _run(command: Sequence[str], programs: Path | None, folder: Path | None = None) -> str:
    environment = _environment(programs) if programs else None
    done = subprocess.run(
        command, cwd=folder or "/", env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, f"`{' '.join(command)}`: {done.stderr[-2000:]}"
    return done.stdout
