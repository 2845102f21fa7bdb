"""The handler of one channel: what an event says to it, whether now or later, and that it was told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from threading import Lock

from pointsman.channels.delivering import Channel, NotDelivered
from pointsman.channels.notification import FIRING, RESOLVED, Notification
from pointsman.monitor.alerting.rules import concerns, quiet, rule_for
from pointsman.monitor.alerting.state import AlertState, Entry, Stage
from pointsman.monitor.alerting.wording import TROUBLES, alert, ends, over
from pointsman.monitor.events import Event, EventKind
from pointsman.monitor.handling import NotNow, Occurrence
from pointsman.spec.run_alerts import RunAlerts
from pointsman.spec.scalars import duration_seconds

AGAIN = timedelta(minutes=1)
"""How long until what waited is tried again on a channel that did not take it, and alerts are posted again."""
MOST_AT_ONCE = 100
"""Alerts of one notification; how many more there were is told."""
KEEP_DONE = timedelta(days=7)


@dataclass(frozen=True)
class Pace:
    """How a channel is told. With the stack nothing waits here, and what is on is posted again and again.

    `channel` is how rules call it; None where they name none in particular.
    """

    channel: str | None
    waits: bool = True
    repeats: bool = False


class AlertHandler:
    """Tells one channel of events: at least once each, and twice only where it was killed before it was noted."""

    def __init__(
        self,
        name: str,
        channel: Channel,
        alerts: RunAlerts,
        state: AlertState,
        clock: Callable[[], datetime],
        pace: Pace,
    ) -> None:
        self.name = f"alerts-{name}"
        self._channel_name, self._channel, self._alerts, self._state = name, channel, alerts, state
        self._clock, self._pace = clock, pace
        self._keep = timedelta(seconds=duration_seconds(alerts.keep_open))
        self._repeated: datetime | None = None
        self._lock = Lock()

    def wants(self, kind: EventKind) -> bool:
        """Whether events of this kind can be told here, or end what was told."""
        return concerns(self._alerts, kind, self._pace.channel)

    def handle(self, occurrence: Occurrence) -> str:
        """Tells the channel, or keeps for later what has to wait. Raises NotNow where it does not take it."""
        event = occurrence.event
        with self._lock:
            known = self._state.entry(self._channel_name, event.id)
            settled = known is not None and known.stage is not Stage.TRYING
            mine = None if settled else known or self._entry(event)
            # Asked of a settled one too: it may wait for its time, while what it ended was refused by the channel.
            ended = self._ended(event)
            if mine is None and not ended:
                return "nothing to tell" if known is None else _already(known)
            if mine:
                self._state.put([mine])
            return self._tell_or_wait([*([mine] if mine else []), *ended])

    def tick(self) -> None:
        """Tells what has waited long enough and lets go of what is old. To be called every few seconds."""
        with self._lock:
            now = self._clock()
            due = [each for each in self._state.at_stage(self._channel_name, Stage.HELD) if self._is_due(each, now)]
            for group in self._grouped(due):
                try:
                    self._tell(group, now)
                except NotNow:
                    self._state.put([each.now(Stage.HELD, due=now + AGAIN) for each in group])
            if self._repeated is None or now - self._repeated >= AGAIN:
                self._repeated = now
                self._repeat(now)

    def _tell_or_wait(self, entries: Sequence[Entry]) -> str:
        now = self._clock()
        judged = [(entry, *self._wait(entry, now)) for entry in entries]
        self._state.put([entry.now(Stage.HELD, due=due) for entry, _, due in judged if due])
        said = list(dict.fromkeys(f"waits: {why}" for _, why, due in judged if due))
        if at_once := [entry for entry, _, due in judged if due is None]:
            self._tell(at_once, now)
            said.insert(0, f"told {len(at_once)}")
        return ", ".join(said)

    def _entry(self, event: Event) -> Entry | None:
        found = rule_for(self._alerts, event, self._pace.channel)
        if found is None:
            return None
        name, rule = found
        made = alert(event, name, rule, self._alerts.labels, self._keep)
        run, channel, at = event.run, self._channel_name, event.at
        return Entry(channel, event.id, name, run.source, run.id, event.kind.value, Stage.TRYING, made, at, at)

    def _ended(self, event: Event) -> list[Entry]:
        """What was told of the run and is over now, to be told; what was not told yet will be told as over."""
        run, told = event.run, []
        for entry in self._state.of_run(self._channel_name, run.source, run.id):
            if EventKind(entry.event) not in ends(event.kind) or not entry.alert.firing or entry.event_id == event.id:
                continue
            if entry.at > event.at:
                # The channel refused the event at first; since then the run got into this trouble anew.
                continue
            rule = self._alerts.all_rules().get(entry.rule)
            if entry.stage is not Stage.OPEN:
                self._state.put([entry.now(entry.stage, over(entry.alert, event))])
            elif self._pace.repeats or (rule and rule.send_resolved):
                told.append(entry.now(Stage.OPEN, over(entry.alert, event)))
            else:
                self._state.put([entry.now(Stage.DONE)])
        return told

    def _wait(self, entry: Entry, now: datetime) -> tuple[str, datetime | None]:
        """Why an alert has to wait and until when at least; None where it may be told."""
        if not self._pace.waits:
            return "", None
        if quiet(self._alerts, self._channel_name, entry.alert.labels.get("severity", ""), now):
            return "quiet hours", now
        told = self._state.told(self._channel_name, _subject(entry))
        rule = self._alerts.all_rules().get(entry.rule)
        seconds = duration_seconds((rule and rule.throttle) or self._alerts.throttle)
        until = told + timedelta(seconds=seconds) if told and told <= now else now
        return (f"throttled until {until:%H:%M:%S}", until) if until > now else ("", None)

    def _is_due(self, entry: Entry, now: datetime) -> bool:
        severity = entry.alert.labels.get("severity", "")
        return entry.due <= now and not quiet(self._alerts, self._channel_name, severity, now)

    def _grouped(self, due: Sequence[Entry]) -> Iterator[list[Entry]]:
        """What goes together: all, or all about one run."""
        if self._channel.gathers:
            if due:
                yield list(due)
            return
        for _, group in groupby(sorted(due, key=_run), key=_run):
            yield list(group)

    def _tell(self, entries: Sequence[Entry], now: datetime) -> None:
        # Of what is the same thing, only what it is now.
        latest = {each.alert.fingerprint: each for each in sorted(entries, key=lambda each: each.at)}
        try:
            self._channel.deliver(self._notification([*latest.values()]))
        except NotDelivered as error:
            raise NotNow(f"{error.reason}: {error}") from None
        self._state.tell(self._channel_name, {_subject(each) for each in entries}, now)
        news = {each.event_id for each in entries}
        before = [
            each
            for run in {_run(each) for each in entries}
            for each in self._state.of_run(self._channel_name, *run)
            if each.stage is Stage.OPEN and each.event_id not in news and each.alert.fingerprint in latest
        ]
        done = [each for each in (*before, *entries) if each is not latest[each.alert.fingerprint]]
        self._state.put(each.now(Stage.DONE) for each in done)
        self._state.put(each.now(_after(each)) for each in latest.values())

    def _notification(self, entries: Sequence[Entry]) -> Notification:
        shown = sorted(entries, key=lambda each: not each.alert.firing)[:MOST_AT_ONCE]
        alerts = tuple(each.alert for each in shown)
        runs = {_run(each) for each in entries}
        group = "run:{}/{}".format(*runs.pop()) if len(runs) == 1 else f"runs:{self._channel_name}"
        status = FIRING if any(each.firing for each in alerts) else RESOLVED
        made = Notification(group, status, self._channel_name, alerts, left_out=len(entries) - len(shown))
        one = f"{'' if made.firing else 'over: '}{made.worst.summary}" if len(entries) == 1 else ""
        return Notification(group, status, self._channel_name, alerts, made.left_out, one or made.counts)

    def _repeat(self, now: datetime) -> None:
        """Closes what nothing has ended; Alertmanager, which forgets alerts when it restarts, is told of the rest."""
        on = self._state.at_stage(self._channel_name, Stage.OPEN)
        self._state.put([each.now(Stage.DONE) for each in on if each.at + self._keep < now])
        self._state.forget(now - KEEP_DONE)
        rest = [each for each in on if each.at + self._keep >= now]
        if self._pace.repeats:
            for start in range(0, len(rest), MOST_AT_ONCE):
                try:
                    self._channel.deliver(self._notification(rest[start : start + MOST_AT_ONCE]))
                except NotDelivered:
                    return


def _subject(entry: Entry) -> str:
    """What is throttled together: what a rule finds, and, apart from it, that it is over."""
    return entry.rule if entry.alert.firing else f"{entry.rule} over"


def _already(entry: Entry) -> str:
    return f"{'waits' if entry.stage is Stage.HELD else 'told'} already"


def _run(entry: Entry) -> tuple[str, str]:
    return entry.source, entry.run_id


def _after(entry: Entry) -> Stage:
    return Stage.OPEN if entry.alert.firing and EventKind(entry.event) in TROUBLES else Stage.DONE
