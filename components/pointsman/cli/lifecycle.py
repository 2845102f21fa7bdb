"""`preflight`, `up`, `down`, `env`: an environment's life."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pointsman.cli.documents import ChecksDocument, DownDocument
from pointsman.cli.output import (
    EnvironmentOption,
    Output,
    OutputOption,
    checks_table,
    console_for,
    emit,
    finish,
    guarded,
    lines,
    out,
)
from pointsman.errors import UsageError

if TYPE_CHECKING:
    from pointsman.toolchain import Toolchain


def register(app: typer.Typer) -> None:
    """Adds the verbs."""
    app.command()(preflight)
    app.command()(up)
    app.command()(down)
    app.command("env")(env)


def preflight(environment: EnvironmentOption = "dev", output: OutputOption = Output.TABLE) -> None:
    """Look at what `up` will need, before anything is touched."""
    from pointsman.preflight import run
    from pointsman.spec.reader import read_environment

    with guarded(output):
        report = run(environment, read_environment(environment))
        if output is Output.JSON:
            emit(
                ChecksDocument(
                    verb="preflight", environment=environment, good=not report.failures, checks=lines(report)
                )
            )
        else:
            out.print(checks_table(report, f"preflight of {environment}"))
        finish(report.exit_code)


def up(environment: EnvironmentOption = "dev", output: OutputOption = Output.TABLE) -> None:
    """Bring the environment up and prove it: preflight, toolchain, images, Pulumi, verify."""
    from pointsman.cli.up import bring_up

    with guarded(output):
        finish(bring_up(environment, output, console_for(output)))


def down(
    environment: EnvironmentOption = "dev",
    volumes: Annotated[bool, typer.Option("--volumes", help="Remove the data as well.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take the environment down; data volumes stay unless --volumes is given."""
    from pointsman.backup import journal
    from pointsman.deploy import stack, strays, variables
    from pointsman.deploy.volumes import remove_volumes
    from pointsman.identity import estate_id
    from pointsman.preflight import release_dead_locks

    with guarded(output):
        console = console_for(output)
        changes: dict[str, int] = {}
        release_dead_locks(environment)
        has_state = variables.stack_file(environment).is_file()
        if not has_state and not volumes:
            raise UsageError(
                f"environment {environment} has no state: it was never brought up from this state directory",
                remedy="check --env, or POINTSMAN_STATE_DIR",
            )
        strays.remove_before(estate_id(), environment)
        if has_state:
            changes = stack.destroy(environment, variables.of(installed_toolchain()), console).changes
        strays.remove_after(estate_id(), environment)
        removed = remove_volumes(estate_id(), environment) if volumes else []
        if volumes:
            # Whatever a restore left half done is gone with the data.
            journal.end(environment)
        if output is Output.JSON:
            emit(DownDocument(environment=environment, changes=changes, volumes_removed=removed))
            return
        kept = f"removed {', '.join(removed) or 'none'}" if volumes else "kept (down --volumes removes them)"
        console.print(f"{environment} is down; data volumes {kept}")


def env() -> None:
    """Print the variables for plain `pulumi` commands: eval "$(pointsman env)"."""
    from pointsman.deploy import variables

    with guarded(Output.TABLE):
        for name, value in variables.of(installed_toolchain()).items():
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


def installed_toolchain() -> Toolchain:
    """The toolchain of this machine; raises UsageError when there is none yet."""
    from pointsman.targets.docker.engine import connect
    from pointsman.toolchain import find

    found = find()
    if found is None:
        # Without an engine nothing is found either: that would be the true reason.
        with connect():
            pass
        raise UsageError("Pulumi is not on this machine yet", remedy="pointsman toolchain ensure")
    return found
