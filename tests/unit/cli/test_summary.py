"""What `up` shows of its proof: a line a group, and whatever a person should read in full."""

from __future__ import annotations

import io

from rich.console import Console

from pointsman.checks import Check, Hop, Outcome, Report, failed, not_verifiable, passed
from pointsman.cli.output import summary_table
from pointsman.verify.groups import Group, grouped


def printed(*checks: Check) -> list[str]:
    """The table's lines."""
    console = Console(file=io.StringIO(), width=120)
    console.print(summary_table(Report(checks), "proof"))
    text = console.file
    assert isinstance(text, io.StringIO)
    return [" ".join(line.split()) for line in text.getvalue().splitlines()]


def test_a_group_is_a_line_and_a_fault_is_told_whole() -> None:
    """What is good is counted; what is not, or cannot be seen here, says all that `verify` says."""
    gone = failed("b", "gone", expected="up", remedy="do")
    health = grouped(Group.CONTAINERS, [passed("container loki", "up"), gone])
    boards = grouped(Group.DASHBOARDS, [not_verifiable("dashboards", "there is no Grafana")])
    access = grouped(Group.ACCESS, [passed("reached loki", "200"), passed("reached tempo", "200")])
    assert printed(*health, *access, *boards) == [
        "proof",
        "✗ container health 1 of 2 good 0.0 s",
        "✗ b gone 0.0 s",
        "expected: up",
        "next: do",
        "✓ service access 2 of 2 good 0.0 s",
        "– dashboards 0 of 1 good 0.0 s",
        "– dashboards not verifiable here: there is no Grafana 0.0 s",
    ]


def test_ways_are_shown_hop_by_hop() -> None:
    """Each signal that was followed is a line of its own, though it is good."""
    hops = (Hop("OTLP", "collector", Outcome.PASS, "taken"), Hop("Tempo", "tempo", Outcome.PASS, "found"))
    way = Check("trace", Outcome.PASS, "OTLP 0.1 s → Tempo 0.2 s", hops=hops)
    lines = printed(*grouped(Group.FLOW, [way, passed("losses of loki", "none")]))
    assert lines[1:] == ["✓ end-to-end flow 2 of 2 good 0.0 s", "✓ trace OTLP 0.1 s → Tempo 0.2 s 0.0 s"]
