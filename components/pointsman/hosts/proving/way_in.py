"""The way in: SSH as the daemon that runs offers it, not as its file says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pointsman.checks import Check, not_verifiable, passed
from pointsman.hosts.proving.handshake import offer
from pointsman.hosts.proving.subject import Subject
from pointsman.paths import checkout
from pointsman.plays.tree import PLAYBOOKS

CONFIG = Path(PLAYBOOKS) / "roles" / "ssh" / "templates" / "00-pointsman.conf"
KEYS: Mapping[str, str] = {"kex": "KexAlgorithms", "host key": "HostKeyAlgorithms", "cipher": "Ciphers", "mac": "MACs"}
SECONDS = 5
AUDIT_SECONDS = 40


def algorithms(host: Subject) -> Check:
    """It offers exactly what its settings allow: a daemon that was not reloaded offers more."""
    name, wanted = "SSH algorithms offered", _settings()
    try:
        found = offer(host.way.address, host.way.port, SECONDS)
    except (OSError, ValueError) as error:
        return host.refused(name, str(error), f"an SSH server at {host.way.address}:{host.way.port}")
    more = {
        each
        for kind, key in KEYS.items()
        for each in found.names[kind]
        if each not in wanted[key.lower()].split(",") and not each.startswith("mlkem")
    }
    if more:
        return host.refused(name, f"also {', '.join(sorted(more))}", f"none beyond {CONFIG.name}")
    count = sum(len(found.names[kind]) for kind in KEYS)
    return passed(name, f"{count}, all of them allowed; {found.banner}", service=host.name)


def settings(host: Subject) -> Check:
    """What sshd has in force is what the role writes."""
    name = "SSH settings in force"
    live = dict(line.partition(" ")[::2] for line in host.said("sshd -T").splitlines())
    wrong = [
        f"{key} {live.get(key, 'missing')}"
        for key, value in _settings().items()
        if key in live and "{{" not in value and not _same(live[key], value)
    ]
    if wrong:
        return host.refused(name, ", ".join(wrong), f"as in {CONFIG.name}")
    return passed(name, f"{len(live)} of sshd -T, none other than written", service=host.name)


def methods(host: Subject) -> Check:
    """Without a key the daemon lets nobody try anything else, seen by a login that offers none."""
    name = "SSH logs in by key alone"
    program, *arguments = host.way.command("true", seconds=SECONDS)
    done = subprocess.run(
        [program, "-o", "PreferredAuthentications=none", "-o", "PubkeyAuthentication=no", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=3 * SECONDS,
        check=False,
    )
    found = re.search(r"Permission denied \(([^)]*)\)", done.stderr)
    offered = found.group(1) if found else done.stderr.strip()[-100:] or f"let in ({done.returncode})"
    if offered != "publickey":
        return host.refused(name, offered, "publickey alone")
    return passed(name, "publickey is all that it offers", service=host.name)


def audit(host: Subject) -> Check:
    """ssh-audit, where it is installed, finds nothing that it fails."""
    name = "ssh-audit"
    program = Path(sys.executable).with_name("ssh-audit")
    if not program.is_file():
        return not_verifiable(name, "ssh-audit is not installed here (pip install ssh-audit)", service=host.name)
    command = [str(program), "--json", "--skip-rate-test", "-p", str(host.way.port), host.way.address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=AUDIT_SECONDS, check=False)
    fails, warns = audited(done.stdout)
    if fails:
        return host.refused(name, f"{len(fails)} fail: {', '.join(fails)}", "0 fail")
    return passed(name, f"0 fail, {len(warns)} warn", service=host.name)


def audited(printed: str) -> tuple[list[str], list[str]]:
    """The algorithms that ssh-audit fails and warns of, by its JSON. Raises ValueError when it printed none."""
    told = json.loads(printed)
    fails, warns = [], []
    for kind in ("kex", "key", "enc", "mac"):
        for each in told[kind]:
            notes = each.get("notes", {})
            if notes.get("fail"):
                fails.append(each["algorithm"])
            elif notes.get("warn"):
                warns.append(each["algorithm"])
    return fails, warns


def _settings() -> dict[str, str]:
    """What the role writes, by key in small letters; what it computes stays a template."""
    lines = (checkout() / CONFIG).read_text().splitlines()
    words = (line.partition(" ") for line in lines if line and line[0].isalpha())
    return {key.lower(): value.strip() for key, _, value in words}


def _same(live: str, written: str) -> bool:
    """sshd prints sizes in bytes and spans in seconds, whatever was written."""
    return live.lower() == written.lower() or _plain(live) == _plain(written)


def _plain(value: str) -> str:
    units = {"K": 2**10, "M": 2**20, "G": 2**30, "s": 1, "m": 60, "h": 3600}

    def number(match: re.Match[str]) -> str:
        return str(int(match.group(1)) * units[match.group(2)])

    return re.sub(r"\b(\d+)([KMGsmh])\b", number, value)
