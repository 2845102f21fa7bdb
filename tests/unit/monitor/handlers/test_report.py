"""Reports: what they say, that no text of a run becomes markup, and that they are written once."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pointsman.monitor.events import EventKind
from pointsman.monitor.handlers.archive import Archive, ArchiveSettings
from pointsman.monitor.handlers.markup import duration
from pointsman.monitor.handlers.report import Report, ReportSettings
from pointsman.monitor.handlers.report_page import html
from pointsman.monitor.handlers.summary import ReportedArchive, Summary, summary
from pointsman.monitor.handlers.timeline import MOST_ROWS, ticks, timeline
from pointsman.monitor.handling import NotNow, Occurrence
from pointsman.runs.model import RunState, Step
from tests.unit.monitor.handlers.runs import after, artifacts, occurrence, run, steps

NO_ARCHIVE = ReportedArchive(state="none", reason="the run has no artifacts folder")
EVIL = "<script>alert(1)</script>\"'&\x00\x1b[31m"


class Page(HTMLParser):
    """The elements, their attributes and the text of a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def bars(self) -> list[tuple[str, float, float]]:
        """Class, left edge and width of each."""
        return [
            (str(each["class"]), float(each["x"] or 0), float(each["width"] or 0))
            for tag, each in self.elements
            if tag == "rect"
        ]


def shown(told: Occurrence) -> Page:
    """The page of a report."""
    return Page(html(summary(told, NO_ARCHIVE)))


def test_the_document_says_what_became_of_the_run(tmp_path: Path) -> None:
    """Times, durations, steps with errors, and why there is no archive."""
    Report(ReportSettings(tmp_path, tmp_path / "archive")).handle(occurrence(run()))
    document = json.loads((tmp_path / "deploy-1_summary.json").read_text())
    assert document["format"] == "pointsman.run_report/1"
    assert document["run"]["state"] == "completed"
    assert document["seconds"] == {"queued": 10.0, "ran": 100.0}
    assert document["steps_by_state"] == {"completed": 1, "failed": 1, "queued": 1}
    assert [step["seconds"] for step in document["steps"]] == [40.0, 60.0, None]
    assert document["archive"] == {"state": "none", "file": "", "reason": "the run has no artifacts folder"}
    assert (
        "No archive: the run has no artifacts folder." in Page((tmp_path / "deploy-1_summary.html").read_bytes()).text
    )


def test_the_archive_is_named(tmp_path: Path) -> None:
    """Before it is written and after; where runs are not archived, that is said."""
    of = run(artifacts=artifacts(tmp_path / "made"))
    folder = tmp_path / "archive"
    for settings, state in (
        (ReportSettings(tmp_path / "a", folder), "to come"),
        (ReportSettings(tmp_path / "b", folder), "written"),
        (ReportSettings(tmp_path / "c", None), "none"),
    ):
        Report(settings).handle(occurrence(of))
        found = Summary.model_validate_json((settings.folder / "deploy-1_summary.json").read_bytes())
        assert found.archive.state == state
        Archive(ArchiveSettings(folder, min_free=0)).handle(occurrence(of))


def test_the_picture_shows_what_went_on_when() -> None:
    """Bars of the run and of the steps that began, side by side as in time, coloured by state."""
    bars = shown(occurrence(run())).bars()
    assert [kind for kind, _, _ in bars] == ["bar queued", "bar completed", "bar completed", "bar failed"]
    queued, ran, build, review = bars
    assert ran[2] == pytest.approx(queued[2] * 10, abs=1)
    assert build[1] == pytest.approx(ran[1])
    assert review[1] + review[2] == pytest.approx(ran[1] + ran[2], abs=0.2)
    assert build[1] + build[2] == pytest.approx(review[1], abs=0.2)


def test_no_text_becomes_markup() -> None:
    """Names, errors and labels of a run are text, whatever they are; no script, nothing fetched, no odd address."""
    of = run(EVIL, name=EVIL, kind=EVIL, error=EVIL, url="javascript:alert(1)", trace_id=EVIL, labels={EVIL: EVIL})
    told = occurrence(replace(of, state=RunState.FAILED), EventKind.FAILED)
    page = shown(replace(told, steps=(replace(steps()[1], name=EVIL, kind=EVIL, error=EVIL),)))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "a", "img", "link", "iframe", "object"}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert page.text.count("<script>alert(1)</script>") >= 6
    assert "\x00" not in page.text
    assert "default-src 'none'" in str(page.elements)


def test_an_address_is_a_link() -> None:
    """Of the web alone."""
    page = shown(occurrence(run(url="https://ci.example/runs/1")))
    assert [each["href"] for tag, each in page.elements if tag == "a"] == ["https://ci.example/runs/1"]


def test_half_known_runs_are_reported(tmp_path: Path) -> None:
    """No times, no steps, clocks turned round, half a character: a report all the same, and no bar below zero."""
    odd = (
        run("a", started_at=None, finished_at=None, state=RunState.CANCELLED),
        run("b", started_at=after(50), finished_at=after(-50)),
        run("c", created_at=after(0), started_at=after(0), finished_at=after(0)),
        run("d", name="\ud800", error="\udfff"),
    )
    for of in odd:
        turned = Step(of.id, "turned", RunState.COMPLETED, 0, "step", after(90), after(10))
        for told in (Occurrence(occurrence(of).event), Occurrence(occurrence(of).event, (turned,))):
            Report(ReportSettings(tmp_path)).handle(told)
            assert all(width > 0 for _, _, width in shown(told).bars())
    assert len(list(tmp_path.iterdir())) == 2 * len(odd)


def test_many_steps_are_cut_in_the_page_alone() -> None:
    """10,000 steps: the document has all, the page the first 200 and how many there are."""
    many = tuple(Step("r", f"s{n}", RunState.COMPLETED, n, "step", after(n), after(n + 1)) for n in range(10_000))
    made = summary(Occurrence(occurrence(run()).event, many), NO_ARCHIVE)
    assert len(made.steps) == 10_000
    assert timeline(made).left_out == 10_000 - MOST_ROWS
    content = html(made)
    assert len(content) < 300_000
    assert "9800 more are in the JSON file" in Page(content).text


def test_a_second_delivery_changes_nothing(tmp_path: Path) -> None:
    """Also where the run looks different by then."""
    handler, told = Report(ReportSettings(tmp_path)), occurrence(run())
    handler.handle(told)
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in tmp_path.iterdir()}
    assert "is there already" in Report(ReportSettings(tmp_path)).handle(replace(told, steps=()))
    assert {path: (path.stat().st_ino, path.read_bytes()) for path in tmp_path.iterdir()} == before
    other = occurrence(run(), EventKind.FAILED)
    handler.handle(other)
    assert "is there already" in handler.handle(told)
    found = Summary.model_validate_json((tmp_path / "deploy-1_summary.json").read_bytes())
    assert found.events == (told.event.id, other.event.id)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """The reason, and the command to look with."""
    (tmp_path / "taken").touch()
    with pytest.raises(NotNow, match=r"the reports folder .* cannot be written: .*; see: ls -ld"):
        Report(ReportSettings(tmp_path / "taken" / "reports")).handle(occurrence(run()))


def test_the_axis_has_few_round_marks() -> None:
    """From a millisecond to a year."""
    for seconds in (0.0, 0.001, 0.7, 3, 61, 3599, 86_400, 7 * 86_400, 365 * 86_400):
        assert 1 <= len(ticks(seconds)) <= 8
    assert ticks(100) == [0, 15, 30, 45, 60, 75, 90]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.25, "0.25 s"), (9.999, "10 s"), (12.4, "12 s"), (60, "1 m"), (200, "3 m 20 s"), (7500, "2 h 5 m")],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    """Two units at the most."""
    assert duration(seconds) == text
