"""`verify --hosts`, `harden`, `runner`: the runner hosts of an environment, looked at or played on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pointsman.cli.documents import ChecksDocument, HostRunLine, HostsDocument
from pointsman.cli.output import (
    EnvironmentOption,
    Output,
    OutputOption,
    checks_table,
    console_for,
    emit,
    escaped,
    finish,
    guarded,
    lines,
    out,
    show_error,
)
from pointsman.cli.playing import SITE, Run, played
from pointsman.errors import EXIT_FAULT, EXIT_GOOD

if TYPE_CHECKING:
    from pointsman.checks import Check
    from pointsman.declared import Declared

HostsArgument = Annotated[
    list[str] | None, typer.Argument(help="Names of hosts or groups; all hosts without one.", show_default=False)
]


runners = typer.Typer(help="Take runners out of work, and back to it.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the verb of hosts, and the group of those of their runners."""
    app.command()(harden)
    app.add_typer(runners, name="runner")


def prove(declared: Declared, wanted: Sequence[str], output: Output) -> int:
    """The suite of `verify --hosts`: shows every check, and gives the exit code."""
    from pointsman.hosts import proving

    report = proving.prove(declared, wanted)
    if output is Output.JSON:
        environment, good = declared.environment, not report.failures
        emit(ChecksDocument(verb="verify", environment=environment, good=good, checks=lines(report)))
    else:
        out.print(checks_table(report, f"proof of the hosts of {declared.environment}"))
        out.print(counted(report.checks))
    return report.exit_code


def counted(checks: Sequence[Check]) -> str:
    """How many checks had each outcome, the unproved ones among them."""
    from pointsman.checks import Outcome

    counts = {each: sum(check.outcome is each for check in checks) for each in Outcome}
    return ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items())


def harden(
    hosts: HostsArgument = None,
    environment: EnvironmentOption = "dev",
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing: tell what differs on the hosts; 1 when something does.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make hosts what the inventory says, or look for what was changed on them by hand."""
    _verb("harden", hosts or [], environment, output, is_check=check)


@runners.command()
def drain(
    hosts: Annotated[list[str], typer.Argument(help="Names of hosts or groups; `all` for every host.")],
    environment: EnvironmentOption = "dev",
    output: OutputOption = Output.TABLE,
) -> None:
    """Let hosts end their job, waiting as long as the inventory says, then stop their runners."""
    _verb("drain", hosts, environment, output)


@runners.command()
def restore(
    hosts: HostsArgument = None, environment: EnvironmentOption = "dev", output: OutputOption = Output.TABLE
) -> None:
    """Bring offline runners back to work: disk, service, registration."""
    _verb("restore", hosts or [], environment, output)


def _verb(
    verb: Literal["harden", "drain", "restore"],
    wanted: list[str],
    environment: str,
    output: Output,
    *,
    is_check: bool = False,
) -> None:
    from pointsman.declared import declared
    from pointsman.hosts.proving.running import chosen

    playbook = SITE if verb == "harden" else verb
    with guarded(output):
        estate = declared(environment)
        plans = [plan for plan in chosen(estate, wanted) if verb == "harden" or plan.registration]
        runs = played(estate, plans, playbook, console_for(output), is_check=is_check)
        if output is Output.JSON:
            hosts = [line(run) for run in runs]
            emit(HostsDocument(verb=verb, environment=environment, is_check=is_check, hosts=hosts))
        else:
            for run in runs:
                show(run, is_check=is_check)
        finish(exit_code(runs, is_check=is_check))


def line(run: Run) -> HostRunLine:
    """What became of a host for a document."""
    ended, error = run.outcome, run.error
    return HostRunLine(
        host=run.host,
        good=error is None,
        exit_code=error.exit_code if error else EXIT_GOOD,
        ok=ended.ok if ended else 0,
        changed=ended.changed if ended else 0,
        changes=list(ended.changes) if ended else [],
        seconds=round(run.seconds, 2),
        task=str(getattr(error, "task", "")),
        message=error.message if error else "",
        remedy=error.remedy if error else "",
    )


def show(run: Run, *, is_check: bool) -> None:
    """What became of a host for people."""
    if run.error:
        show_error(run.error)
        return
    assert run.outcome is not None
    changed, seconds = run.outcome.changed, f"[dim]{run.seconds:.1f} s[/dim]"
    if not changed:
        out.print(f"[green]✓[/green] {run.host}: {'as the inventory says' if is_check else 'nothing to do'}  {seconds}")
        return
    mark, word = ("[yellow]≠[/yellow]", "differ") if is_check else ("[green]✓[/green]", "changed")
    out.print(f"{mark} {run.host}: {changed} of {run.outcome.ok} tasks {word}  {seconds}")
    for change in run.outcome.changes:
        first, *rest = change.splitlines()
        out.print(f"    {escaped(first)}", soft_wrap=True)
        for text in rest:
            style = {"-": "red", "+": "green"}.get(text[:1], "dim")
            out.print(f"      [{style}]{escaped(text)}[/{style}]", soft_wrap=True)


def exit_code(runs: Sequence[Run], *, is_check: bool) -> int:
    """The worst of all hosts: a play's own fault before a host that is not reached, and that before drift."""
    codes = {run.error.exit_code for run in runs if run.error}
    if codes:
        return min(codes)
    return EXIT_FAULT if is_check and any(run.outcome and run.outcome.changed for run in runs) else EXIT_GOOD
