"""What each SLO counts: the events of a minute and the bad ones among them.

Counters of programs that run now and then begin at their first event, vanish, and come again. `increase()` sees
nothing of a series before its second sample and guesses beyond the edges of its window: of three failures a day it
tells one or four. So each evaluation keeps what it saw of the counters (SEEN), and the next one counts the difference.
That is exact to the event, over restarts, late samples and minutes in which nothing was evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pointsman.signals.model import Record
from pointsman.spec.scalars import duration_seconds
from pointsman.spec.slos import SLO, SLOs, Timed

EVENTS, ERRORS = "slo:sli_events:increase1m", "slo:sli_errors:increase1m"
SEEN, WATCHED = "slo:sli_events:seen", "slo:sli_events:watched"
# A series that was away for longer counts as new.
REMEMBERED = "1d"


@dataclass(frozen=True)
class Sli:
    """What an SLO counts. `name` is the label `slo`, `service` the label `slo_service`.

    `events` and `bad` say it in words; `{within}` is the spec's. `rules` make EVENTS and ERRORS. `counted` and `told`
    are label matchers: of the events, and of those that a label tells apart (bad ones of a counter, good ones of a
    histogram).
    """

    name: str
    service: str
    metric: str
    events: str
    bad: str
    rules: Callable[[Sli, SLO], tuple[Record, ...]]
    counted: str = ""
    told: str = ""

    @property
    def key(self) -> str:
        """Its key below `slos` in the spec."""
        return self.name.replace("-", "_")

    @property
    def labels(self) -> dict[str, str]:
        """The labels of all that is recorded for it."""
        return {"slo": self.name, "slo_service": self.service}

    @property
    def selector(self) -> str:
        """What finds its recorded series."""
        return f'{{slo="{self.name}"}}'

    def of(self, declared: SLOs) -> SLO:
        """Its part of the spec."""
        found = getattr(declared, self.key)
        assert isinstance(found, SLO)
        return found


def _by_status(sli: Sli, slo: SLO) -> tuple[Record, ...]:
    """A counter, of which a label tells the bad ones."""
    counters = f"{sli.metric}{{{sli.counted}}}"
    errors = f"{_grown(f'{sli.metric}{{{sli.told}}}', sli, told=sli.told)} or sum(0 * {EVENTS}{sli.selector})"
    return (
        Record(EVENTS, _grown(counters, sli), sli.labels),
        Record(ERRORS, errors, sli.labels),
        *_kept(sli, counters),
    )


def _in_time(sli: Sli, slo: SLO) -> tuple[Record, ...]:
    """A histogram of durations: good is what succeeded and is in the bucket of the longest good duration."""
    assert isinstance(slo, Timed)
    seconds = int(duration_seconds(slo.within))
    counts = f"{sli.metric}_count{{{sli.counted}}}"
    # Prometheus writes the bound as 600 when it comes by OTLP and as 600.0 when it is scraped.
    bucket = f'{sli.metric}_bucket{{{sli.told}, le=~"{seconds}([.]0)?"}}'
    good = _grown(bucket, sli, slo.within, 'le!=""')
    # Where nothing succeeded yet there is no such bucket: none is good. Where it is missing beside a count of what
    # succeeded, nothing is known.
    none = f"(sum(0 * {EVENTS}{sli.selector}) unless on () {sli.metric}_count{{{sli.told}}})"
    return (
        Record(EVENTS, _grown(counts, sli, slo.within, 'le=""'), sli.labels),
        Record(ERRORS, f"sum({EVENTS}{sli.selector}) - ({good} or {none})", sli.labels),
        *_kept(sli, f"{counts} or {bucket}", slo.within),
    )


def _by_time(sli: Sli, slo: SLO) -> tuple[Record, ...]:
    """A gauge of 0 and 1: each evaluation, one a minute, is an event of each of its series."""
    return (
        Record(EVENTS, f"count({sli.metric})", sli.labels),
        Record(ERRORS, f"count({sli.metric} == 0) or sum(0 * {EVENTS}{sli.selector})", sli.labels),
    )


def _grown(series: str, sli: Sli, within: str = "", told: str = "") -> str:
    """How much counters grew since the evaluation before, whose part of what it saw is found by `told`.

    A new one, or one that began again, counts whole; but not at the first evaluation of all, for which all are new.
    """
    mark = f', within="{within}"' if within else ""
    seen = f'{SEEN}{{slo="{sli.name}"{mark}{f", {told}" if told else ""}}}'
    apart = "ignoring (slo, slo_service, within)" if within else "ignoring (slo, slo_service)"
    # An offset, so that only what an evaluation before has kept is found, in whichever order these are evaluated.
    difference = f"{series} - {apart} last_over_time({seen}[{REMEMBERED}] offset 1s) >= 0"
    watched = f'last_over_time({WATCHED}{{slo="{sli.name}"{mark}}}[{REMEMBERED}] offset 1s)'
    return f"sum({difference} or {series} and on () {watched})"


def _kept(sli: Sli, series: str, within: str = "") -> tuple[Record, Record]:
    """What this evaluation saw, and that there was one. Another `within` begins anew: its buckets are others."""
    labels = {**sli.labels, **({"within": within} if within else {})}
    return Record(SEEN, series, labels), Record(WATCHED, "vector(1)", labels)


RUNNERS = "runner-availability"
SLIS = (
    Sli(
        name="workflow-success",
        service="workflows",
        metric="workflow_runs_total",
        events="runs that ended, but for those that were cancelled or skipped",
        bad="status failure, error or timeout",
        rules=_by_status,
        counted='workflow_status!~"cancellation|skip"',
        told='workflow_status=~"failure|error|timeout"',
    ),
    Sli(
        name="workflow-latency",
        service="workflows",
        metric="workflow_duration_seconds",
        events="runs that succeeded",
        bad="longer than {within}",
        rules=_in_time,
        counted='workflow_status="success"',
        told='workflow_status="success"',
    ),
    Sli(
        name="agent-success",
        service="agents",
        metric="agent_runs_total",
        events="agent runs that ended, but for those that were cancelled or skipped",
        bad="status failure, error or timeout",
        rules=_by_status,
        counted='agent_status!~"cancellation|skip"',
        told='agent_status=~"failure|error|timeout"',
    ),
    Sli(
        name="api-availability",
        service="api",
        metric="http_server_request_duration_seconds_count",
        events="HTTP requests that a server answered",
        bad="answered with 5xx",
        rules=_by_status,
        counted='http_request_method!=""',
        told='http_response_status_code=~"5.."',
    ),
    Sli(
        name="deployment-success",
        service="deployments",
        metric="deployment_duration_seconds",
        events="deployments that ended, but for those that were cancelled",
        bad="failed, or longer than {within}",
        rules=_in_time,
        counted='deployment_result=~"success|failure"',
        told='deployment_result="success"',
    ),
    Sli(
        name=RUNNERS,
        service="runners",
        metric="pointsman_github_runner_online",
        events="a runner's minutes: each minute that GitHub tells of a runner",
        bad="offline in that minute",
        rules=_by_time,
    ),
)
"""The six built in, in the order of the spec."""
