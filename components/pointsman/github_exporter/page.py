"""From what is known of GitHub to metrics. Pure but for the time that is handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from pointsman.github.model import Runner, SecretInfo
from pointsman.github_exporter.fleet import bounded, queues
from pointsman.github_exporter.polling import State
from pointsman.github_exporter.watching import READINGS, Seen
from pointsman.metrics_page.families import COUNTER, Family, Sample, each, one

# GitHub has a dozen budgets; these are the ones that deliveries live on.
BUCKETS = ("core", "search", "graphql", "actions_runner_registration")


def families(state: State, now: datetime, keep: timedelta) -> list[Family]:
    """The page. What was not read within `keep` is left out: an old "online" is worse than none."""
    found: list[Family] = []
    if seen := state.seen:
        parts: dict[str, Callable[[Seen, datetime], Iterator[Family]]] = {
            "runners": _runners,
            "queue": _queue,
            "secrets": _secrets,
            "rate_limit": _limits,
        }
        fresh = {name for name, at in seen.read_at.items() if now - at <= keep}
        # Without the fleet nobody knows whose queue it is.
        fresh -= set() if "runners" in fresh else {"queue"}
        found += [family for name, part in parts.items() if name in fresh for family in part(seen, now)]
    return [*found, *_poll(state)]


def _runners(seen: Seen, now: datetime) -> Iterator[Family]:
    runners = sorted(seen.runners or (), key=lambda runner: runner.name)
    online = {runner.name: float(runner.online) for runner in runners}
    busy = {runner.name: float(runner.busy) for runner in runners}
    yield one("pointsman_github_runners", "Runners that are registered.", len(runners))
    yield each("pointsman_github_runner_online", "Whether GitHub holds a connection of the runner.", "runner", online)
    yield each("pointsman_github_runner_busy", "Whether GitHub has given the runner a job.", "runner", busy)
    samples = tuple(Sample(1.0, _about(runner)) for runner in {runner.name: runner for runner in runners}.values())
    yield Family("pointsman_github_runner_info", "The runner's version, system and labels.", samples)


def _about(runner: Runner) -> dict[str, str]:
    labels = bounded(",".join(sorted(runner.label_names)))
    return {"runner": runner.name, "version": bounded(runner.version or ""), "os": bounded(runner.os), "labels": labels}


def _queue(seen: Seen, now: datetime) -> Iterator[Family]:
    found = queues(seen.runners or (), seen.jobs or ())
    lengths = {queue.labels: float(queue.jobs) for queue in found}
    ages = {queue.labels: _age(queue.oldest, now) for queue in found}
    yield each("pointsman_github_queue_jobs", "Queued jobs that a runner of these labels takes.", "labels", lengths)
    yield each("pointsman_github_queue_oldest_seconds", "How long the oldest of them has waited.", "labels", ages)
    meaning = "Runs that may have queued jobs and were not looked into, for the limits of the scan."
    yield one("pointsman_github_queue_unscanned_runs", meaning, seen.unscanned)


def _secrets(seen: Seen, now: datetime) -> Iterator[Family]:
    told: dict[str, SecretInfo | None] = dict(seen.secrets or {})
    there = {name: float(secret is not None) for name, secret in told.items()}
    ages = {name: _age(secret.updated, now) for name, secret in told.items() if secret}
    yield each("pointsman_github_secret_present", "Whether the secret is set.", "secret", there)
    yield each("pointsman_github_secret_age_seconds", "How long ago its value was set.", "secret", ages)


def _limits(seen: Seen, now: datetime) -> Iterator[Family]:
    limits = {name: seen.limits[name] for name in BUCKETS if seen.limits and name in seen.limits}
    name = "pointsman_github_rate_limit"
    left = {bucket: float(limit.left) for bucket, limit in limits.items()}
    yield each(f"{name}_left", "Requests left until the reset.", "bucket", left)
    yield each(
        f"{name}_limit", "Requests in a period.", "bucket", {bucket: limit.limit for bucket, limit in limits.items()}
    )
    resets = {bucket: limit.reset.timestamp() for bucket, limit in limits.items()}
    yield each(f"{name}_reset_timestamp_seconds", "When the period ends.", "bucket", resets)
    if seen.expires:
        meaning = "When the exporter's token ends."
        yield one("pointsman_github_token_expiry_timestamp_seconds", meaning, seen.expires.timestamp())


def _poll(state: State) -> Iterator[Family]:
    errors = state.seen.errors if state.seen else {}
    name = "pointsman_github_poll"
    yield one(f"{name}_success", "Whether all of the last poll went well.", bool(state.seen) and not errors)
    if state.good_at:
        meaning = "When a poll last went well as a whole."
        yield one(f"{name}_last_success_timestamp_seconds", meaning, round(state.good_at.timestamp(), 3))
    yield one(f"{name}_seconds", "How long the last poll took.", round(state.seconds, 4))
    yield one(f"{name}s_total", "Polls since the start.", state.polls, COUNTER)
    failed = {reading: float(reading in errors) for reading in READINGS}
    yield each("pointsman_github_reading_failed", "1 for what the last poll could not read.", "reading", failed)
    read = {reading: round(at.timestamp(), 3) for reading, at in state.seen.read_at.items()} if state.seen else {}
    yield each("pointsman_github_reading_timestamp_seconds", "When it was last read.", "reading", read)
    counts = {name: float(count) for name, count in state.errors.items()}
    yield each("pointsman_github_errors_total", "Errors of polls since the start.", "class", counts, COUNTER)


def _age(since: datetime | None, now: datetime) -> float:
    return round(max((now - since).total_seconds(), 0.0), 1) if since else 0.0
