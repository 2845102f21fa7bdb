"""The monitor's pages for people: built as trees, so that no text of a run becomes markup; one script looks again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from pointsman.monitor.handlers.markup import Element, duration, element, page
from pointsman.runs.model import RunState

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
SCRIPT, STYLE = "/static/monitor.js", "/static/monitor.css"
_SCHEMES: Final = ("https://", "http://")
_LONGEST_ERROR: Final = 4000
_NO_TIME: Final = "–"
Record = Mapping[str, Any]


def run_list(runs: Sequence[Record], chosen: str, kind: str, more: str) -> bytes:
    """The list: what waits for an approval first. `chosen` is the state it is narrowed to, `more` leads on."""
    waiting = [run for run in runs if run["state"] == RunState.WAITING_FOR_APPROVAL]
    others = [run for run in runs if run["state"] != RunState.WAITING_FOR_APPROVAL]
    parts = [element("h1", "Runs"), _states(chosen, kind)]
    if waiting:
        parts += [element("h2", "Waiting for approval"), _table(waiting)]
        parts += [element("h2", "All others")] if others else []
    if others:
        parts.append(_table(others))
    if not runs:
        parts.append(element("p", "There are no such runs.", class_="soft"))
    if more:
        parts.append(element("p", element("a", "Older ones", href=more)))
    return _page("Runs", parts)


def one_run(run: Record) -> bytes:
    """A run with its steps, agents among them, and what was told of it."""
    parts = [element("p", element("a", "All runs", href="/")), element("h1", run["name"] or run["id"])]
    parts.append(element("p", *_state(run)))
    facts = [each for term, told in _facts(run) for each in (element("dt", term), element("dd", told))]
    parts.append(element("dl", *facts))
    if run["error"]:
        parts += [element("h2", "Error"), _error(run["error"])]
    agents = [step for step in run["steps"] if step["kind"] == "agent"]
    steps = [step for step in run["steps"] if step["kind"] != "agent"]
    for title, found in (("Steps", steps), ("Agent runs", agents)):
        if found:
            parts += [element("h2", title), _steps(found)]
    if run["events"]:
        parts += [element("h2", "What was told"), *_events(run["events"])]
    return _page(run["name"] or run["id"], parts)


def dead_letters(letters: Sequence[Record]) -> bytes:
    """What was given up."""
    parts = [element("p", element("a", "All runs", href="/")), element("h1", "Dead letters")]
    if letters:
        rows = [
            (
                each["at"],
                each["handler"],
                each["event"],
                element("a", each["run"], href=_address(each["run"], each["source"])),
                str(each["attempts"]),
                each["error"],
            )
            for each in letters
        ]
        parts.append(_rows(("given up", "handler", "event", "run", "attempts", "reason"), rows))
        parts.append(element("p", "Try them again: ", element("code", "pointsman runs dead-letters retry")))
    else:
        parts.append(element("p", "Nothing was given up.", class_="soft"))
    return _page("Dead letters", parts)


def problem(status: int, said: str) -> bytes:
    """What is wrong, in place of a page."""
    return _page(str(status), [element("p", element("a", "All runs", href="/")), element("p", said)])


def _page(title: str, parts: Sequence[Element]) -> bytes:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width"),
        element("title", f"{title} – Pointsman"),
        element("link", rel="stylesheet", href=STYLE),
        element("script", src=SCRIPT, defer="defer"),
    )
    stale = element("p", "The monitor does not answer: what is shown is old.", id="stale", role="status")
    return page(element("html", head, element("body", stale, element("main", *parts)), lang="en"))


def _states(chosen: str, kind: str) -> Element:
    links = []
    for state in ("", *RunState):
        query = urlencode({key: value for key, value in (("state", state), ("kind", kind)) if value})
        current = {"aria_current": "page"} if state == chosen else {}
        link = element("a", state.replace("_", " ") or "all", href=f"/?{query}" if query else "/", **current)
        links.append(link)
    return element("nav", *links, element("a", "dead letters", href="/dead-letters"))


def _table(runs: Sequence[Record]) -> Element:
    rows = [
        (
            element("a", run["name"] or run["id"], href=_address(run["id"], run["source"])),
            run["kind"],
            element("span", *_state(run)),
            _progress(run),
            _span(run["seconds"]),
            run["updated_at"],
            run["error"][:200],
        )
        for run in runs
    ]
    return _rows(("run", "kind", "state", "steps", "ran for", "changed", "error"), rows)


def _rows(heads: Sequence[str], rows: Sequence[Sequence[Element | str]]) -> Element:
    head = element("thead", element("tr", *(element("th", each, scope="col") for each in heads)))
    return element(
        "table", head, element("tbody", *(element("tr", *(element("td", cell) for cell in row)) for row in rows))
    )


def _state(run: Record) -> Iterator[Element | str]:
    yield element("span", run["state"].replace("_", " "), class_=f"state {run['state']}")
    for stall in run["stalls"]:
        yield " "
        yield element("span", stall.replace("_", " "), class_="stall")


def _progress(run: Record) -> Element:
    total, done = run["steps_total"], run["steps_done"]
    if not total:
        return element("span", _NO_TIME)
    failed = f", {run['steps_failed']} failed" if run["steps_failed"] else ""
    bar = element("progress", value=done, max=total)
    return element("span", bar, f" {done} of {total}{failed}")


def _steps(steps: Sequence[Record]) -> Element:
    rows = [
        (
            step["name"],
            element("span", step["state"].replace("_", " "), class_=f"state {step['state']}"),
            _span(step["seconds"]),
            step["started_at"] or _NO_TIME,
            _error(step["error"]) if step["error"] else "",
        )
        for step in steps
    ]
    return _rows(("name", "state", "took", "started", "error"), rows)


def _events(events: Sequence[Record]) -> Iterator[Element]:
    for event in events:
        stall = f": {event['stall'].replace('_', ' ')}" if event["stall"] else ""
        summary = element("summary", f"{event['at']} {event['event'].replace('_', ' ')}{stall}: {event['reason']}")
        rows = [
            (each["handler"], element("span", each["state"], class_=each["state"]), each["error"] or each["note"])
            for each in event["handlers"]
        ]
        yield element("details", summary, _rows(("handler", "state", "said"), rows), id=event["event_id"])


def _facts(run: Record) -> Iterator[tuple[str, Element | str]]:
    yield "Run", run["id"]
    yield "Kind", run["kind"]
    yield "Source", run["source"]
    yield "Attempt", str(run["attempt"])
    yield "Steps", _progress(run)
    yield "Ran for", _span(run["seconds"])
    for key in ("created_at", "started_at", "finished_at", "heartbeat_at"):
        if run[key]:
            yield key.removesuffix("_at").capitalize(), run[key]
    if run["url"].startswith(_SCHEMES):
        yield "Address", element("a", run["url"], href=run["url"], rel="noreferrer")
    if run["trace_id"]:
        yield "Trace", run["trace_id"]


def _error(text: str) -> Element:
    return element("pre", text[:_LONGEST_ERROR])


def _span(seconds: float | None) -> str:
    return _NO_TIME if seconds is None else duration(seconds if seconds < 10 else round(seconds))


def _address(run_id: str, source: str) -> str:
    return f"/runs/{quote(run_id, safe='')}?{urlencode({'source': source})}"
