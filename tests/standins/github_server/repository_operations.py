"""The operations of repositories: runs and jobs, issues; and the rate limit, which is there once."""

from __future__ import annotations

from . import shapes
from .messages import NOT_FOUND, Asked, Reply, refusal
from .operations import operation
from .world import COMPLETED, SUCCESS, Issue, Run, World


def _runs(world: World, asked: Asked) -> list[Run]:
    return sorted(
        (run for run in world.runs.values() if run.repository == asked.holder), key=lambda run: run.id, reverse=True
    )


def _run(world: World, asked: Asked) -> Run | None:
    run = world.runs.get(int(asked.params["run_id"]))
    return run if run is not None and run.repository == asked.holder else None


@operation("actions/list-workflow-runs-for-repo")
def _list_runs(world: World, asked: Asked) -> Reply:
    world.lapse()
    wanted = asked.query.get("status")
    found = [run for run in _runs(world, asked) if wanted is None or wanted in world.run_status(run)]
    for name, attribute in (("event", "event"), ("branch", "branch"), ("head_sha", "sha")):
        if name in asked.query:
            found = [run for run in found if getattr(run, attribute) == asked.query[name]]
    page, links = asked.page_of(found)
    runs = [shapes.run(run, world, asked.base) for run in page]
    return Reply(200, {"total_count": len(found), "workflow_runs": runs}, links)


@operation("actions/get-workflow-run")
def _get_run(world: World, asked: Asked) -> Reply:
    world.lapse()
    run = _run(world, asked)
    return NOT_FOUND if run is None else Reply(200, shapes.run(run, world, asked.base))


@operation("actions/list-jobs-for-workflow-run")
def _list_jobs(world: World, asked: Asked) -> Reply:
    world.lapse()
    run = _run(world, asked)
    if run is None:
        return NOT_FOUND
    found = world.jobs_of(run, every_attempt=asked.query.get("filter") == "all")
    page, links = asked.page_of(found)
    return Reply(200, {"total_count": len(found), "jobs": [shapes.job(job, run, asked.base) for job in page]}, links)


@operation("actions/get-job-for-workflow-run")
def _get_job(world: World, asked: Asked) -> Reply:
    world.lapse()
    job = world.jobs.get(int(asked.params["job_id"]))
    run = world.runs[job.run_id] if job else None
    if job is None or run is None or run.repository != asked.holder:
        return NOT_FOUND
    return Reply(200, shapes.job(job, run, asked.base))


@operation("actions/cancel-workflow-run")
def _cancel(world: World, asked: Asked) -> Reply:
    run = _run(world, asked)
    if run is None:
        return NOT_FOUND
    if world.run_status(run)[0] == COMPLETED:
        return refusal(409, "Cannot cancel a workflow run that is completed.")
    world.cancel(run)
    return Reply(202, {})


@operation("actions/force-cancel-workflow-run")
def _force_cancel(world: World, asked: Asked) -> Reply:
    return _cancel(world, asked)


def _again(world: World, asked: Asked, failed_only: bool) -> Reply:
    run = _run(world, asked)
    if run is None:
        return NOT_FOUND
    status, conclusion = world.run_status(run)
    if status != COMPLETED:
        return refusal(403, "The workflow run containing this job is already running")
    if failed_only and conclusion == SUCCESS:
        return refusal(403, "This workflow run cannot be retried")
    world.rerun(run, failed_only)
    return Reply(201, {})


@operation("actions/re-run-workflow")
def _rerun(world: World, asked: Asked) -> Reply:
    return _again(world, asked, failed_only=False)


@operation("actions/re-run-workflow-failed-jobs")
def _rerun_failed(world: World, asked: Asked) -> Reply:
    return _again(world, asked, failed_only=True)


@operation("actions/create-workflow-dispatch")
def _dispatch(world: World, asked: Asked) -> Reply:
    name = asked.params["workflow_id"]
    found = [each for each in world.workflows.get(asked.holder, ()) if each.path.rsplit("/", 1)[-1] == name]
    if not found:
        return NOT_FOUND
    if asked.body["ref"] not in ("main", "refs/heads/main"):
        return refusal(422, f"No ref found for: {asked.body['ref']}")
    run = world.start(asked.holder, found[0], "workflow_dispatch")
    shown = shapes.run(run, world, asked.base)
    return Reply(200, {"workflow_run_id": run.id, "run_url": shown["url"], "html_url": shown["html_url"]})


@operation("issues/create")
def _create_issue(world: World, asked: Asked) -> Reply:
    kept = world.issues.setdefault(asked.holder, {})
    labels = tuple(each if isinstance(each, str) else each["name"] for each in asked.body.get("labels") or ())
    issue = Issue(len(kept) + 1, str(asked.body["title"]), asked.body.get("body") or "", labels, world.now())
    kept[issue.number] = issue
    return Reply(201, shapes.issue(issue, asked.holder, asked.base))


@operation("issues/list-for-repo")
def _list_issues(world: World, asked: Asked) -> Reply:
    state, wanted = (
        asked.query.get("state", "open"),
        {each for each in asked.query.get("labels", "").split(",") if each},
    )
    found = [
        issue
        for issue in reversed(world.issues.get(asked.holder, {}).values())
        if (state == "all" or issue.open == (state == "open")) and wanted.issubset(issue.labels)
    ]
    page, links = asked.page_of(found)
    return Reply(200, [shapes.issue(issue, asked.holder, asked.base) for issue in page], links)


@operation("issues/update")
def _update_issue(world: World, asked: Asked) -> Reply:
    issue = _issue(world, asked)
    if issue is None:
        return NOT_FOUND
    issue.open = asked.body.get("state", "open" if issue.open else "closed") == "open"
    issue.title = str(asked.body.get("title", issue.title))
    issue.body = asked.body.get("body", issue.body)
    return Reply(200, shapes.issue(issue, asked.holder, asked.base))


@operation("issues/create-comment")
def _comment(world: World, asked: Asked) -> Reply:
    issue = _issue(world, asked)
    if issue is None:
        return NOT_FOUND
    issue.comments.append(asked.body["body"])
    address, now = (
        f"{asked.base}/{asked.holder}/issues/{issue.number}#c{len(issue.comments)}",
        shapes.moment(world.now()),
    )
    return Reply(
        201,
        {
            "id": len(issue.comments),
            "node_id": f"IC_{len(issue.comments)}",
            "url": address,
            "html_url": address,
            "issue_url": f"{asked.base}/repos/{asked.holder}/issues/{issue.number}",
            "body": asked.body["body"],
            "user": shapes.user("someone", asked.base),
            "created_at": now,
            "updated_at": now,
        },
    )


def _issue(world: World, asked: Asked) -> Issue | None:
    return world.issues.get(asked.holder, {}).get(int(asked.params["issue_number"]))
