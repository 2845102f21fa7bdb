"""What is in the world as GitHub's JSON tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .world import COMPLETED, Issue, Job, Label, Run, Runner, Secret, World

Json = dict[str, Any]
# The templates of a repository's URLs are GitHub's; only their being there matters here.
# fmt: off
REPOSITORY_URLS = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
    "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks",
    "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones",
    "notifications", "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams",
    "trees",
)
USER_URLS = (
    "followers", "following", "gists", "starred", "subscriptions", "organizations", "repos", "events",
    "received_events",
)
# fmt: on


def moment(time: datetime | None) -> str | None:
    """A time as GitHub writes it: whole seconds."""
    return None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")


def label(each: Label) -> Json:
    """A label of a runner."""
    return {"id": each.id, "name": each.name, "type": each.kind}


def labels(runner: Runner) -> Json:
    """The answer of each labels operation."""
    return {"total_count": len(runner.labels), "labels": [label(each) for each in runner.labels]}


def runner(each: Runner, world: World) -> Json:
    """A runner."""
    return {
        "id": each.id,
        "name": each.name,
        "os": each.os,
        "status": world.status(each),
        "busy": each.job_id is not None if each.busy_shown is None else each.busy_shown,
        "labels": [label(one) for one in each.labels],
        "runner_group_id": each.group_id,
        "ephemeral": each.ephemeral,
        "version": each.version,
    }


def user(name: str, base: str) -> Json:
    """An account."""
    api = f"{base}/users/{name}"
    return {
        "login": name,
        "id": 1,
        "node_id": "U_1",
        "avatar_url": f"{base}/avatars/{name}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{base}/{name}",
        "type": "Organization",
        "site_admin": False,
        **{f"{each}_url": f"{api}/{each}" for each in USER_URLS},
    }


def repository(full_name: str, base: str) -> Json:
    """A repository, as runs have it."""
    owner, name = full_name.split("/")
    api = f"{base}/repos/{full_name}"
    return {
        "id": 1,
        "node_id": "R_1",
        "name": name,
        "full_name": full_name,
        "owner": user(owner, base),
        "private": True,
        "html_url": f"{base}/{full_name}",
        "description": None,
        "fork": False,
        "url": api,
        **{f"{each}_url": f"{api}/{each}" for each in REPOSITORY_URLS},
    }


def job(each: Job, run: Run, base: str) -> Json:
    """A job."""
    api = f"{base}/repos/{run.repository}/actions"
    done = each.status == COMPLETED
    steps = [
        {"name": name, "status": COMPLETED, "conclusion": end, "number": number}
        for number, (name, end) in enumerate(each.steps, 1)
    ]
    return {
        "id": each.id,
        "run_id": each.run_id,
        "run_url": f"{api}/runs/{each.run_id}",
        "run_attempt": each.attempt,
        "node_id": f"J_{each.id}",
        "head_sha": run.sha,
        "url": f"{api}/jobs/{each.id}",
        "html_url": f"{base}/{run.repository}/actions/runs/{run.id}/job/{each.id}",
        "status": each.status,
        "conclusion": each.conclusion,
        "created_at": moment(each.created),
        # GitHub tells the time of creation for a job that has not started.
        "started_at": moment(each.started or each.created),
        "completed_at": moment(each.completed) if done else None,
        "name": each.name,
        "steps": steps,
        "check_run_url": f"{base}/repos/{run.repository}/check-runs/{each.id}",
        "labels": list(each.labels),
        "runner_id": each.runner_id or 0,
        "runner_name": each.runner_name or "",
        "runner_group_id": 1 if each.runner_id else 0,
        "runner_group_name": "Default" if each.runner_id else "",
        "workflow_name": run.name,
        "head_branch": run.branch,
    }


def run(each: Run, world: World, base: str) -> Json:
    """A run."""
    api = f"{base}/repos/{each.repository}/actions/runs/{each.id}"
    status, conclusion = world.run_status(each)
    author = {"name": "someone", "email": "someone@example.org"}
    commit = {
        "id": each.sha,
        "tree_id": each.sha,
        "message": each.name,
        "timestamp": moment(each.created),
        "author": author,
        "committer": author,
    }
    home = repository(each.repository, base)
    return {
        "id": each.id,
        "name": each.name,
        "node_id": f"WFR_{each.id}",
        "head_branch": each.branch,
        "head_sha": each.sha,
        "path": each.path,
        "run_number": each.number,
        "run_attempt": each.attempt,
        "event": each.event,
        "display_title": each.name,
        "status": status,
        "conclusion": conclusion,
        "workflow_id": 1,
        "url": api,
        "html_url": f"{base}/{each.repository}/actions/runs/{each.id}",
        "pull_requests": [],
        "created_at": moment(each.created),
        "updated_at": moment(each.updated),
        "run_started_at": moment(each.created),
        "head_commit": commit,
        "repository": home,
        "head_repository": home,
        "check_suite_url": f"{base}/repos/{each.repository}/check-suites/{each.id}",
        "workflow_url": f"{base}/repos/{each.repository}/actions/workflows/1",
        **{f"{part}_url": f"{api}/{part}" for part in ("jobs", "logs", "cancel", "rerun", "artifacts")},
    }


def secret(each: Secret) -> Json:
    """A secret of a repository, without its value."""
    return {"name": each.name, "created_at": moment(each.created), "updated_at": moment(each.updated)}


def issue(each: Issue, holder: str, base: str) -> Json:
    """An issue."""
    api = f"{base}/repos/{holder}/issues/{each.number}"
    return {
        "id": each.number,
        "node_id": f"I_{each.number}",
        "url": api,
        "repository_url": f"{base}/repos/{holder}",
        "labels_url": f"{api}/labels",
        "comments_url": f"{api}/comments",
        "events_url": f"{api}/events",
        "html_url": f"{base}/{holder}/issues/{each.number}",
        "number": each.number,
        "state": "open" if each.open else "closed",
        "title": each.title,
        "body": each.body,
        "user": user("someone", base),
        "labels": [{"name": name} for name in each.labels],
        "milestone": None,
        "locked": False,
        "comments": len(each.comments),
        "closed_at": None if each.open else moment(each.created),
        "created_at": moment(each.created),
        "updated_at": moment(each.created),
        "author_association": "OWNER",
    }
