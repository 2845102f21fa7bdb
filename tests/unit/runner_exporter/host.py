"""A host for the tests of the exporter: folders, logs, a systemctl, a /proc."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

UNIT = "actions-runner.service"
BEGIN = "[2026-03-01 10:00:00Z INFO Listener] Version: 2.335.0"


@dataclass
class Host:
    """A host in a folder."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> Host:
        """With the folders of a runner that is configured, and its service active."""
        host = cls(root)
        for folder in (host.diag, host.work, host.root / "bin", host.proc):
            folder.mkdir(parents=True)
        for name in (".runner", ".credentials"):
            (host.program / name).write_text("{}", "utf-8-sig")
        host.systemctl("printf 'ActiveState=active\\nNRestarts=2\\n'")
        return host

    @property
    def program(self) -> Path:
        return self.root / "program"

    @property
    def diag(self) -> Path:
        return self.program / "_diag"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def proc(self) -> Path:
        return self.root / "proc"

    @property
    def path(self) -> str:
        """PATH with the host's systemctl first."""
        return f"{self.root / 'bin'}:/usr/bin:/bin"

    def systemctl(self, script: str) -> None:
        """Makes that systemctl."""
        program = self.root / "bin" / "systemctl"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def log(self, *lines: str, name: str = "Runner_20260301-100000-utc.log") -> Path:
        """Adds lines to a log."""
        path = self.diag / name
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        return path

    def process(self, number: int, comm: str, unit: str, ticks: int, group: str = "0::/system.slice") -> None:
        """A process of /proc, begun that many ticks after boot."""
        folder = self.proc / str(number)
        folder.mkdir()
        (folder / "comm").write_text(f"{comm}\n")
        (folder / "cgroup").write_text(f"{group}/{unit}\n")
        before = " ".join(["S", *("1" for _ in range(18))])
        (folder / "stat").write_text(f"{number} ({comm}) {before} {ticks} 0 0\n")

    def settings(self, port: int = 9101, **more: object) -> Path:
        """Writes the settings."""
        path = self.root / "settings.json"
        told = {"unit": UNIT, "program_folder": str(self.program), "work_folder": str(self.work), "port": port}
        path.write_text(json.dumps(told | {"listen": "127.0.0.1", "user": "runner", "latest_version": ""} | more))
        return path
