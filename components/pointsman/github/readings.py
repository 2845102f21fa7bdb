"""From the JSON of GitHub's answers to the domain's types; raises KeyError, TypeError or ValueError on any other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pointsman.github.model import (
    Conclusion,
    Issue,
    JitRunner,
    Job,
    JobStatus,
    RateLimit,
    Run,
    Runner,
    RunnerGroup,
    RunnerLabel,
    SecretInfo,
    Token,
    utc,
)
from pointsman.github.secret import Secret

Json = Mapping[str, Any]


def label(got: Json) -> RunnerLabel:
    """A label of a runner."""
    return RunnerLabel(str(got["name"]), custom=got.get("type", "custom") == "custom")


def labels(got: Json) -> tuple[RunnerLabel, ...]:
    """The labels of an answer of a labels operation."""
    return tuple(label(each) for each in got["labels"])


def runner(got: Json) -> Runner:
    """A runner."""
    return Runner(
        id=int(got["id"]),
        name=str(got["name"]),
        os=str(got["os"]),
        status=str(got["status"]),
        busy=bool(got["busy"]),
        labels=labels(got),
        ephemeral=bool(got.get("ephemeral", False)),
        version=got.get("version"),
        group_id=got.get("runner_group_id"),
    )


def group(got: Json) -> RunnerGroup:
    """A group of runners."""
    return RunnerGroup(int(got["id"]), str(got["name"]), bool(got["default"]))


def token(got: Json) -> Token:
    """A registration or remove token."""
    return Token(Secret(str(got["token"])), utc(got["expires_at"]))


def jit(got: Json) -> JitRunner:
    """A runner made in advance."""
    return JitRunner(runner(got["runner"]), Secret(str(got["encoded_jit_config"])))


def job(got: Json) -> Job:
    """A job."""
    status = JobStatus(got["status"])
    # Before it runs GitHub tells the time of creation, or 0 and "" for a runner that it does not have.
    begun = status in (JobStatus.IN_PROGRESS, JobStatus.COMPLETED)
    return Job(
        id=int(got["id"]),
        run_id=int(got["run_id"]),
        name=str(got["name"]),
        status=status,
        conclusion=_conclusion(got),
        labels=tuple(str(each) for each in got["labels"]),
        created=utc(got["created_at"]),
        started=_time(got.get("started_at")) if begun else None,
        completed=_time(got.get("completed_at")),
        runner_id=got.get("runner_id") or None,
        runner_name=got.get("runner_name") or None,
        workflow=str(got.get("workflow_name") or ""),
        attempt=int(got.get("run_attempt", 1)),
        url=str(got.get("html_url") or ""),
    )


def run(got: Json) -> Run:
    """A run."""
    return Run(
        id=int(got["id"]),
        name=str(got.get("name") or got["display_title"]),
        status=JobStatus(got["status"]),
        conclusion=_conclusion(got),
        event=str(got["event"]),
        branch=got["head_branch"],
        sha=str(got["head_sha"]),
        path=str(got["path"]),
        created=utc(got["created_at"]),
        updated=utc(got["updated_at"]),
        attempt=int(got.get("run_attempt", 1)),
        url=str(got["html_url"]),
    )


def secret(got: Json) -> SecretInfo:
    """A secret's name and times."""
    return SecretInfo(str(got["name"]), utc(got["created_at"]), utc(got["updated_at"]))


def issue(got: Json) -> Issue:
    """An issue."""
    return Issue(
        number=int(got["number"]),
        title=str(got["title"]),
        open=got["state"] == "open",
        url=str(got["html_url"]),
        body=str(got.get("body") or ""),
        labels=tuple(each if isinstance(each, str) else str(each["name"]) for each in got["labels"]),
    )


def rate_limits(got: Json) -> dict[str, RateLimit]:
    """The budgets of requests, by name."""
    return {
        name: RateLimit(
            name, int(each["limit"]), int(each["remaining"]), datetime.fromtimestamp(int(each["reset"]), UTC)
        )
        for name, each in got["resources"].items()
    }


def _conclusion(got: Json) -> Conclusion | None:
    return Conclusion(got["conclusion"]) if got.get("conclusion") else None


def _time(text: str | None) -> datetime | None:
    return utc(text) if text else None
