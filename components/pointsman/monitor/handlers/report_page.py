"""The page of a report: one file that needs nothing else, runs no script and fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pointsman.monitor.handlers.markup import Element, duration, element, page
from pointsman.monitor.handlers.summary import ReportedArchive, ReportedStep, Summary
from pointsman.monitor.handlers.timeline import MOST_ROWS, picture, timeline

_LONGEST_ERROR: Final = 4000
_STYLE: Final = """
:root{color-scheme:light dark;--line:#d0d7de;--soft:#57606a;--completed:#1a7f37;--failed:#cf222e;--cancelled:#6e7781;
--running:#0969da;--waiting:#9a6700;--queued:#c8d1da}
@media(prefers-color-scheme:dark){:root{--line:#30363d;--soft:#9198a1;--completed:#3fb950;--failed:#f85149;
--cancelled:#848d97;--running:#4493f8;--waiting:#d29922;--queued:#3d444d}}
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}
.state{display:inline-block;padding:.1rem .6rem;border-radius:1rem;color:#fff;background:var(--queued);font-weight:600}
.state.completed{background:#1a7f37}.state.failed{background:#cf222e}.state.cancelled{background:#6e7781}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem}dt{color:var(--soft)}dd{margin:0}
table{border-collapse:collapse;width:100%}th,td{text-align:left;
padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td.number,th:last-child{text-align:right;white-space:nowrap}th{color:var(--soft);font-weight:600}
pre{white-space:pre-wrap;margin:.3rem 0;padding:.6rem;border-left:3px solid var(--failed);font-size:.85rem}
svg{width:100%;height:auto;font:12px system-ui,sans-serif}svg text{fill:currentColor}.label{text-anchor:end}
.axis,.none,.took{fill:var(--soft)!important}.axis{text-anchor:middle}.tick{stroke:var(--line)}
.bar{fill:var(--queued)}.bar.completed{fill:var(--completed)}.bar.failed{fill:var(--failed)}
.bar.cancelled{fill:var(--cancelled)}.bar.running{fill:var(--running)}.bar.waiting_for_approval{fill:var(--waiting)}
footer{margin-top:2rem;color:var(--soft);font-size:.85rem}
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_SCHEMES: Final = ("https://", "http://")


def html(of: Summary) -> bytes:
    """The page in UTF-8."""
    title = f"{of.run.name or of.run.id}: {of.run.state}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width"),
        element("title", title),
        element("style", _STYLE),
    )
    return page(element("html", head, element("body", *_body(of)), lang="en"))


def _body(of: Summary) -> Iterator[Element]:
    run = of.run
    yield element("h1", run.name or run.id)
    yield element("p", element("span", _words(run.state), class_=f"state {run.state}"), " ", of.event.reason)
    yield element("dl", *(each for term, told in _facts(of) for each in (element("dt", term), element("dd", told))))
    if run.error:
        yield element("h2", "Error")
        yield _error(run.error)
    yield element("h2", "Timeline")
    drawn = timeline(of)
    yield picture(drawn)
    if drawn.left_out:
        yield element("p", f"The picture leaves out {drawn.left_out} further steps.")
    yield element("h2", "Steps")
    yield from _steps(of)
    yield element("h2", "Artifacts")
    yield element("p", _archive(of.archive))
    yield element("footer", f"Written by Pointsman for the event {of.event.id}. Times are UTC.")


def _facts(of: Summary) -> Iterator[tuple[str, Element | str]]:
    run = of.run
    yield "Run", run.id
    if run.attempt > 1:
        yield "Attempt", str(run.attempt)
    yield "Kind", run.kind
    yield "Source", run.source
    yield "Created", _time(run.created_at)
    yield "Started", _time(run.started_at)
    yield "Ended", _time(run.finished_at)
    yield "Waited", _took(of.seconds.queued)
    yield "Ran", _took(of.seconds.ran)
    if run.trace_id:
        yield "Trace", run.trace_id
    if run.url:
        # Any other scheme, such as javascript:, stays text.
        linked = run.url.lower().startswith(_SCHEMES)
        yield "Address", element("a", run.url, href=run.url, rel="noreferrer") if linked else run.url
    yield from run.labels.items()


def _steps(of: Summary) -> Iterator[Element]:
    if not of.steps:
        yield element("p", "No steps of this run are known.")
        return
    counts = ", ".join(f"{number} {_words(state)}" for state, number in of.steps_by_state.items())
    yield element("p", f"{len(of.steps)} in all: {counts}.")
    head = element("tr", *(element("th", each) for each in ("Step", "Kind", "State", "Started", "Took")))
    shown = of.steps[:MOST_ROWS]
    yield element("table", element("thead", head), element("tbody", *(_step(step) for step in shown)))
    if len(of.steps) > len(shown):
        yield element("p", f"{len(of.steps) - len(shown)} more are in the JSON file beside this page.")


def _step(step: ReportedStep) -> Element:
    errors = [_error(step.error)] if step.error else []
    return element(
        "tr",
        element("td", step.name, *errors),
        element("td", step.kind),
        element("td", _words(step.state)),
        element("td", _time(step.started_at)),
        element("td", _took(step.seconds), class_="number"),
    )


def _archive(archive: ReportedArchive) -> Element | str:
    if archive.state == "none":
        return f"No archive: {archive.reason}."
    if archive.state == "written":
        return element("span", "Archived in ", element("code", archive.file), ".")
    missing = ". If it is not there by now, see: pointsman runs dead-letters"
    return element("span", "The archive is to come, as ", element("code", archive.file), missing)


def _error(text: str) -> Element:
    cut = len(text) - _LONGEST_ERROR
    return element(
        "pre", text if cut <= 0 else f"{text[:_LONGEST_ERROR]}… ({cut} more characters are in the JSON file)"
    )


def _time(at: datetime | None) -> str:
    return "–" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def _took(seconds: float | None) -> str:
    return "–" if seconds is None else duration(seconds)


def _words(state: str) -> str:
    return state.replace("_", " ")
