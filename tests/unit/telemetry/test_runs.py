"""Runs: spans that nest, sync and async; statuses; counts, times, tokens and cost; logs and exemplars of the trace."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from pointsman.telemetry.names import DeploymentResult, Status
from tests.unit.telemetry.told import Told


def test_a_workflow_with_an_agent(told: Told) -> None:
    """The agent's span stands below the workflow's; both have their attributes, counts and times."""
    with told.telemetry.workflow("deploy", trigger="push", run_id="7") as run:
        told.clock.now += 2
        with run.agent("planner", action="plan", run_id="7.1"):
            told.clock.now += 3
    workflow, agent = told.span("workflow.execute"), told.span("agent.execute")
    assert agent.parent is not None
    assert agent.parent.span_id == workflow.context.span_id
    assert workflow.kind is SpanKind.SERVER
    assert dict(workflow.attributes or {}) == {
        "workflow.id": "7",
        "workflow.name": "deploy",
        "workflow.trigger": "push",
        "workflow.status": "success",
        "workflow.duration.ms": 5000.0,
    }
    assert dict(agent.attributes or {}) == {
        "agent.id": "7.1",
        "agent.name": "planner",
        "agent.action": "plan",
        "agent.status": "success",
        "agent.duration.ms": 3000.0,
    }
    assert told.value("workflow_runs", workflow_name="deploy", workflow_trigger="push", workflow_status="success") == 1
    assert told.value("workflow_duration", workflow_name="deploy", workflow_status="success") == 5
    assert told.value("agent_runs", agent_name="planner", agent_action="plan", agent_status="success") == 1
    assert told.value("agent_duration", agent_name="planner") == 3


def test_what_is_going_on(told: Told) -> None:
    """Active runs and pending approvals go up and down again; the wait is timed."""
    with told.telemetry.workflow("deploy") as run:
        assert told.value("workflows_active", workflow_name="deploy") == 1
        with run.approval():
            assert told.value("workflow_approvals_pending", workflow_name="deploy") == 1
            told.clock.now += 90
    assert told.value("workflows_active") == told.value("workflow_approvals_pending") == 0
    assert told.value("workflow_approval_wait_time", workflow_name="deploy") == 90


@pytest.mark.parametrize(
    ("error", "status", "failed"),
    [
        (ValueError("no"), "failure", True),
        (TimeoutError("late"), "timeout", True),
        (asyncio.CancelledError(), "cancellation", False),
        (KeyboardInterrupt(), "cancellation", False),
        (SystemExit(0), "success", False),
        (SystemExit(2), "failure", True),
    ],
)
def test_how_a_block_is_left(told: Told, error: BaseException, status: str, failed: bool) -> None:
    """An error goes on to the caller as it was, and is the run's status; what is a fault is recorded on the span."""
    with pytest.raises(type(error)) as caught, told.telemetry.workflow("w"):
        raise error
    assert caught.value is error
    span = told.span("workflow.execute")
    assert told.value("workflow_runs", workflow_status=status) == 1
    assert (span.status.status_code is StatusCode.ERROR) == failed
    assert [event.name for event in span.events] == (["exception"] if failed else [])


@pytest.mark.parametrize("status", list(Status))
def test_a_status_that_is_told(told: Told, status: Status) -> None:
    """`finish` says what leaving the block does not."""
    with told.telemetry.workflow("w") as run:
        run.finish(status.value)
    assert told.value("workflow_runs", workflow_status=status.value) == 1


def test_an_exception_outweighs_what_was_told(told: Told) -> None:
    """A run that was said to be good and then fails has failed; a status that does not exist is an error."""
    with suppress(ValueError), told.telemetry.workflow("w") as run:
        run.finish("success")
        raise ValueError("no")
    with told.telemetry.workflow("w") as run:
        run.finish("splendid")
    assert told.value("workflow_runs", workflow_status="failure") == 1
    assert told.value("workflow_runs", workflow_status="error") == 1


def test_errors_and_retries_of_agents(told: Told) -> None:
    """Those that end the run, those that are handled, those that are told: each by its type; retries are counted."""
    with told.telemetry.agent("coder") as agent:
        agent.retry()
        agent.retry()
        agent.error(KeyError("x"))
    with pytest.raises(OSError, match="disk"), told.telemetry.agent("coder"):
        raise OSError("disk")
    with told.telemetry.agent("coder") as agent:
        agent.finish("error", error_type="ToolError")
    assert told.value("agent_retry_count", agent_name="coder") == 2
    for kind in ("KeyError", "OSError", "ToolError"):
        assert told.value("agent_errors", agent_name="coder", error_type=kind) == 1


def test_tokens_and_cost(told: Told) -> None:
    """Minutes and tokens cost what the price table says, and it is known whose they are."""
    with told.telemetry.workflow("deploy") as run, run.agent("planner"):
        with told.telemetry.model_call("small", provider="acme") as call:
            told.clock.now += 30
            call.tokens(input=1_000_000, output=500_000)
        with told.telemetry.model_call("unknown", provider="acme") as call:
            call.tokens(input=5)
    usage = "gen_ai.client.token.usage"
    assert told.value(usage, gen_ai_request_model="small", gen_ai_token_type="input") == 1_000_000
    assert told.value(usage, gen_ai_request_model="small", gen_ai_token_type="output") == 500_000
    assert told.value(usage, gen_ai_request_model="unknown") == 5
    assert told.value("gen_ai.client.operation.duration", gen_ai_provider_name="acme") == 30
    tokens = {"cost_kind": "tokens", "workflow_name": "deploy", "agent_name": "planner"}
    assert told.value("cost", **tokens, gen_ai_request_model="small") == 2.0
    assert told.value("cost", cost_kind="execution", workflow_name="deploy") == pytest.approx(0.3)
    assert told.value("cost") == pytest.approx(2.3)
    assert told.span("chat small").kind is SpanKind.CLIENT


def test_an_agent_of_its_own_costs_its_minutes(told: Told) -> None:
    """Inside a workflow they are the workflow's, and counted once."""
    with told.telemetry.agent("janitor"):
        told.clock.now += 60
    assert told.value("cost", cost_kind="execution", agent_name="janitor") == pytest.approx(0.6)


def test_async_runs_side_by_side(told: Told) -> None:
    """Each task's agents stand below its own workflow, however the tasks take turns."""

    async def one(name: str) -> None:
        async with told.telemetry.workflow(name) as run:
            await asyncio.sleep(0)
            async with run.agent(f"{name}-agent"):
                await asyncio.sleep(0)
                with told.telemetry.model_call("small", provider="acme") as call:
                    call.tokens(input=1)

    async def both() -> None:
        await asyncio.gather(one("a"), one("b"))

    asyncio.run(both())
    spans = told.spans()
    by_id = {span.context.span_id: span for span in spans}
    for name in ("a", "b"):
        (agent,) = [span for span in spans if (span.attributes or {}).get("agent.name") == f"{name}-agent"]
        assert agent.parent is not None
        assert (by_id[agent.parent.span_id].attributes or {})["workflow.name"] == name
        assert told.value("cost", cost_kind="tokens", workflow_name=name, agent_name=f"{name}-agent") > 0
    assert len({span.context.trace_id for span in spans}) == 2


def test_decorators(told: Told) -> None:
    """A function, sync or async, is a run each time it is called; its result and name stay."""

    @told.telemetry.workflow("build", trigger="schedule")
    def build(number: int) -> int:
        """Builds."""
        return number + 1

    @told.telemetry.agent("planner")
    async def plan(number: int) -> int:
        await asyncio.sleep(0)
        return number * 2

    assert [build(1), build(2)] == [2, 3]
    assert asyncio.run(plan(4)) == 8
    assert (build.__name__, build.__doc__) == ("build", "Builds.")
    assert told.value("workflow_runs", workflow_name="build", workflow_trigger="schedule") == 2
    assert told.value("agent_runs", agent_name="planner") == 1
    runs = [span for span in told.spans() if span.name == "workflow.execute"]
    assert len({(span.attributes or {})["workflow.id"] for span in runs}) == 2


@pytest.mark.parametrize(
    ("result", "succeeded", "failed"),
    [
        (DeploymentResult.SUCCESS, 1_700_000_120.0, 0.0),
        (DeploymentResult.FAILURE, 0.0, 1_700_000_120.0),
        (DeploymentResult.CANCELLED, 0.0, 0.0),
    ],
)
def test_deployments(told: Told, result: DeploymentResult, succeeded: float, failed: float) -> None:
    """Counted, timed, seen while they go on; the commit stands on the span and nowhere else."""
    with told.telemetry.deployment("production", "api", commit="c0ffee") as deployment:
        assert told.value("deployments_in_progress", deployment_service="api") == 1
        told.clock.now += 120
        deployment.finish(result)
    assert told.value("deployments_in_progress") == 0
    assert told.value("deployments", deployment_environment_name="production", deployment_result=result.value) == 1
    assert told.value("deployment_duration", deployment_service="api", deployment_result=result.value) == 120
    assert told.value("deployment_last_success_timestamp") == succeeded
    assert told.value("deployment_last_failure_timestamp") == failed
    assert (told.span("deployment.execute").attributes or {})["vcs.ref.head.revision"] == "c0ffee"
    assert "c0ffee" not in str(told.points())


def test_logs_carry_the_trace() -> None:
    """What is logged inside a run has its trace and span; the end of a run that failed is logged as an error."""
    told = Told(log_level=logging.INFO)
    try:
        with suppress(ValueError), told.telemetry.workflow("deploy") as run:
            trace = run.trace_id
            logging.getLogger("app").warning("step %d", 1)
            raise ValueError("no")
        logging.getLogger("pointsman.telemetry").warning("about telemetry itself")
        step, end = told.logs()
    finally:
        told.telemetry.shutdown(5)
    assert f"{step.trace_id:032x}" == f"{end.trace_id:032x}" == trace
    assert (step.body, step.severity_text) == ("step 1", "WARN")
    assert end.body == "workflow deploy: failure after 0.000 s"
    assert end.attributes["workflow.status"] == "failure"


def test_points_carry_an_exemplar(told: Told) -> None:
    """A time leads to the trace that it was taken in."""
    with told.telemetry.workflow("deploy") as run:
        trace = run.trace_id
    (point,) = told.points()["workflow_duration"].values()
    assert [f"{exemplar.trace_id:032x}" for exemplar in point.exemplars] == [trace]


def test_faults_of_telemetry_stay_inside(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's block runs, and its result comes, when recording fails."""

    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(told.telemetry.instruments.workflow_runs, "add", broken)
    monkeypatch.setattr(told.telemetry.instruments.workflows_active, "add", broken)
    done = []
    with told.telemetry.workflow("deploy"):
        done.append(1)
    assert done == [1]
