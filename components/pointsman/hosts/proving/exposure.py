"""No secret lies where others than its owner could find it."""

from __future__ import annotations

import json

from pointsman.checks import Check, passed
from pointsman.errors import PointsmanError
from pointsman.hosts.proving.subject import Subject


def nowhere(host: Subject) -> Check:
    """Neither in arguments nor environments of processes, nor in the journal, nor in files that everybody reads."""
    name = "no secret in the open"
    try:
        known = host.token if host.has_runner else ""
    except PointsmanError:
        known = ""
    found: list[str] = json.loads(host.told("exposure", f"{known}\n"))
    if found:
        remedy = "make a new token, and see how the old one came there"
        return host.refused(name, "; ".join(found), "none in processes, journal, logs, /etc/pointsman", remedy=remedy)
    own = "GitHub's token and what looks like one" if known else "what looks like a token (the own one is not known)"
    return passed(name, f"{own}: in no process, journal, log, nor /etc/pointsman", service=host.name)
