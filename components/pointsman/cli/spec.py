"""`pointsman spec`: check a spec, show it with its defaults, print its schema."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pointsman.cli.output import EnvironmentOption, Output, OutputOption, guarded, out, show_rows

app = typer.Typer(help="The spec of an environment.", no_args_is_help=True)


@app.command()
def check(environment: EnvironmentOption = "dev", output: OutputOption = Output.TABLE) -> None:
    """Say every mistake of the spec at once, with file, line, key and what was expected."""
    from pointsman.services.estate import compose
    from pointsman.services.model import Machine
    from pointsman.spec.reader import read_environment

    with guarded(output):
        compose(environment, read_environment(environment), "promtail", Machine())
        if output is Output.JSON:
            show_rows("mistakes", [], output)
        else:
            out.print(f"[green]✓[/green] stacks/{environment}.yaml is good")


@app.command()
def show(
    environment: EnvironmentOption = "dev",
    resolved: Annotated[bool, typer.Option("--resolved", help="With every default filled in.")] = False,
) -> None:
    """Print the spec."""
    from pointsman.paths import checkout
    from pointsman.spec.reader import read_environment
    from pointsman.spec.render import resolved_yaml

    with guarded(Output.TABLE):
        spec = read_environment(environment)
        path = checkout() / "stacks" / f"{environment}.yaml"
        sys.stdout.write(resolved_yaml(spec, sources=True) if resolved else path.read_text())


@app.command()
def prometheus(
    folder: Annotated[Path, typer.Argument(help="Where the files go; made if it is not there.")],
    environment: EnvironmentOption = "dev",
) -> None:
    """Write what the Prometheus of `prometheus.existing` must load: jobs, rules, and the way to Alertmanager."""
    from pointsman.declared import declared
    from pointsman.errors import UsageError

    with guarded(Output.TABLE):
        borrowed = declared(environment).estate.borrowed
        if not borrowed:
            raise UsageError(
                f"environment {environment} has a Prometheus of its own",
                remedy=f"name another one as prometheus.existing in stacks/{environment}.yaml",
            )
        for service in borrowed:
            for name, text in (service.config.files if service.config else {}).items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(text)
                out.print(f"{folder / name}")


@app.command()
def schema(
    documents: Annotated[bool, typer.Option("--documents", help="That of `--output json` instead.")] = False,
) -> None:
    """Print the JSON Schema of specs, for editors."""
    from pointsman.cli.documents import json_schema as documents_schema
    from pointsman.spec.schema import schema_text

    text = json.dumps(documents_schema(), indent=2) + "\n" if documents else schema_text()
    sys.stdout.write(text)
