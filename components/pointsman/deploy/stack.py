"""One environment's Pulumi stack: brought up or taken down through the Automation API."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pulumi import automation as auto
from pulumi.automation._stack import StackInitMode
from pulumi.automation.errors import CommandError
from rich.console import Console
from semver import VersionInfo

from pointsman.deploy.events import Run
from pointsman.deploy.live import Display
from pointsman.deploy.variables import stack_file
from pointsman.errors import PointsmanError
from pointsman.paths import checkout
from pointsman.toolchain import pins

# Most operations wait for a service; Pulumi's own four a core would keep others from being started meanwhile.
AT_ONCE = 32
# Pulumi and its plugins are written in Go and live for seconds: collecting garbage less often takes a quarter off the
# CPU of an `up`, for 80 MiB more (8.6 and 6.5 s with 100, Go's own, and 400).
GARBAGE = {"GOGC": "400"}


class _Command(auto.PulumiCommand):
    """The toolchain's own CLI, whose version was seen when it was made: asking once more takes 0.3 s."""

    def __init__(self) -> None:
        self.command = "pulumi"
        self.version = VersionInfo.parse(pins.load().pulumi.version)


class _Workspace(auto.LocalWorkspace):
    """The checkout. No stack is selected in it: every command names its own, and selecting takes 0.3 s."""

    def select_stack(self, stack_name: str) -> None:
        """Leaves the user's own choice alone."""


class _Stack(auto.Stack):
    """A stack whose result is read from its events: asking for outputs and history takes three more commands (2 s)."""

    def outputs(self) -> auto.OutputMap:
        """Nothing: the program's outputs are derived from the spec."""
        return {}

    def info(self, show_secrets: bool | None = None) -> auto.UpdateSummary:
        """A summary without content, which the caller wants to be there."""
        now = datetime.now(UTC)
        return auto.UpdateSummary(
            kind="update", start_time=now, message="", environment={}, config={}, result="", end_time=now
        )


def up(environment: str, variables: dict[str, str], console: Console) -> Run:
    """Makes the environment what its spec says; raises PointsmanError with the engine's own words when it cannot."""
    with _opened(environment, variables, create=True) as stack:
        # One host that fails must not keep the others from being made.
        return _drive(
            console,
            lambda on_event: stack.up(on_event=on_event, color="never", parallel=AT_ONCE, continue_on_error=True),
        )


def destroy(environment: str, variables: dict[str, str], console: Console) -> Run:
    """Removes the environment's resources; data volumes stay."""
    with _opened(environment, variables, create=False) as stack:
        return _drive(console, lambda on_event: stack.destroy(on_event=on_event, color="never", parallel=AT_ONCE))


def export_state(environment: str, variables: dict[str, str]) -> bytes:
    """What `pulumi stack export` says: JSON in which secrets stay encrypted.

    Not by the Automation API's own call, which asks for secrets in clear.
    """
    with _opened(environment, variables, create=False) as stack:
        command = stack.workspace.pulumi_command
        assert command is not None
        done = command.run(["stack", "export", "--stack", environment], str(checkout()), variables)
        return done.stdout.encode()


def import_state(environment: str, variables: dict[str, str], exported: dict[str, Any]) -> None:
    """Puts an exported state in place of the environment's own; the stack is made where there is none."""
    with _opened(environment, variables, create=True) as stack:
        stack.import_stack(auto.Deployment(exported["version"], exported["deployment"]))


@contextmanager
def _opened(environment: str, variables: dict[str, str], *, create: bool) -> Iterator[auto.Stack]:
    # The Automation API finds the CLI by PATH, and only looks in this process's own.
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = variables["PATH"]
    try:
        workspace = _Workspace(work_dir=str(checkout()), env_vars=GARBAGE | variables, pulumi_command=_Command())
        known = stack_file(environment).is_file()
        yield _Stack(environment, workspace, StackInitMode.SELECT if known or not create else StackInitMode.CREATE)
    except CommandError as error:
        raise _explained(environment, error) from error
    finally:
        os.environ["PATH"] = before


def _drive(console: Console, call: Callable[[Callable[[Any], None]], object]) -> Run:
    run = Run()
    with Display(console, run) as display:

        def on_event(event: auto.EngineEvent) -> None:
            step = run.take(event)
            if step:
                display.tell(step)

        try:
            call(on_event)
        except CommandError as error:
            if run.errors:
                raise PointsmanError("\n".join(run.errors)) from error
            raise
    return run


def _explained(environment: str, error: CommandError) -> PointsmanError:
    """The error of a command that failed before the engine could tell events."""
    said = str(error)
    if "incorrect passphrase" in said:
        return PointsmanError(
            f"the state of {environment} was encrypted with another passphrase",
            remedy="put the right passphrase file back; `pointsman env` prints where it is looked for",
        )
    if "currently locked" in said:
        return PointsmanError(
            f"another run holds the state of {environment}",
            detail=said[said.find("the stack is currently locked") :][:500],
            remedy=f"wait for it, or, if it is dead: pulumi cancel --stack {environment}",
        )
    return PointsmanError(f"Pulumi failed on {environment}", detail=said.strip()[-2000:])
