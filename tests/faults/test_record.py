"""The page that a run is rendered to says what was late, what was not seen, and what was not measured."""

from __future__ import annotations

from tests.faults.record import Record, Row, parsed, render


def test_a_page_hides_nothing() -> None:
    """A late fault is bold, one that nothing noticed and one that cannot be injected stand apart with the reason."""
    record = Record(
        [
            Row("container killed loki", "container loki", 1.8, 1.6, 9.3, load=2.1),
            Row("network cut loki", "reached loki", 11.4, None, 3.0, load=4.2),
            Row("disk full loki", "losses of loki", None, None, 4.0, remark="nothing counts it"),
            Row("dns broken loki", remark="run as root"),
        ],
        services=["loki", "prometheus"],
        machine="2 cores, 4 GiB of memory",
        soak_seconds=300.2,
        soak_runs=50,
    )
    page = render(record)
    assert "- Machine: 2 cores, 4 GiB of memory; its load average was 2 to 4 meanwhile, 4 in the middle" in page
    assert "- Environment: 2 services: loki, prometheus;" in page
    assert "- connection reset: What the other services ask of `service` ends in a reset connection." in page
    assert "| container killed loki | `container loki` | 1.8 s | 1.6 s | 9.3 s |" in page
    assert "| network cut loki | `reached loki` | **11.4 s** |  | 3.0 s |" in page
    not_seen, _, unverifiable = page.partition("## Not seen")[2].partition("## Not verifiable")
    assert "- disk full loki: nothing counts it" in not_seen
    assert "- dns broken loki: run as root" in unverifiable
    assert "50 runs of `verify` and `status` in 300 s, all green." in unverifiable
    assert parsed(record.document()) == record
