"""What services printed themselves about a fault while it was looked at: the reason, in the words of who met it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from pointsman.checks import Check, Outcome
from pointsman.logs import Line
from pointsman.services import log_agent
from pointsman.verify.container_logs import source
from pointsman.verify.site import Site

# The key of an error in logfmt (Prometheus, Loki, Tempo, Promtail) and in the Collector's JSON; the level is not asked
# for, since the Collector tells of an export that it will try again as information.
_REASON = re.compile(r'\b(?:err|error)"?[=:]\s*"((?:[^"\\]|\\.)*)"')
# Errors are wrapped from the inside: what is at the end of one is the cause.
SHOWN_CHARACTERS = 160

Printed = Callable[[str], Sequence[Line]]
"""The lines that a service printed during this run, the oldest first."""


def explained(site: Site, checks: Sequence[Check], printed: Printed) -> list[Check]:
    """The checks, each signal that is lost and each loss with what the service concerned says of it, if anything."""
    known: dict[str, str] = {}

    def reason(name: str) -> str:
        if name not in known:
            known[name] = "" if site.halted(name) or name not in site.running else last_reason(printed(name))
        return known[name]

    return [_explained(site, check, reason) if _wanting(check) else check for check in checks]


def last_reason(lines: Sequence[Line]) -> str:
    """The last error that the lines tell, its end if it is long; empty where they tell none."""
    for line in reversed(lines):
        if found := _REASON.search(line.text):
            text = re.sub(r"\\(.)", r"\1", found.group(1)).strip()
            return text if len(text) <= SHOWN_CHARACTERS else f"…{text[-SHOWN_CHARACTERS:]}"
    return ""


def _wanting(check: Check) -> bool:
    followed = bool(check.hops) or check.name.startswith(("reached ", "losses of "))
    return check.outcome is Outcome.FAIL and bool(check.service) and followed


def _explained(site: Site, check: Check, reason: Callable[[str], str]) -> Check:
    # What the socket proxy does not give is missed by the log agent; the proxy itself prints nothing of it.
    witnesses = (log_agent.NAME, check.service) if check.service == source(site) else (check.service,)
    for who in witnesses:
        if told := reason(who):
            return replace(check, seen=f"{check.seen}; {who} says: {told}")
    return check
