"""`pointsman inventory`: check the hosts of an environment, list them, draw them by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pointsman.cli.output import EnvironmentOption, Output, OutputOption, emit, escaped, guarded, out, show_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.tree import Tree

    from pointsman.inventory import Host, Inventory

app = typer.Typer(help="The hosts of an environment.", no_args_is_help=True)
_SHORT_HASH = 12  # characters, as for images


@app.command()
def check(environment: EnvironmentOption = "dev", output: OutputOption = Output.TABLE) -> None:
    """Say every mistake of the inventory at once, with file, line, key and what was expected."""
    with guarded(output):
        inventory = _read(environment)
        if output is Output.JSON:
            _emit(inventory, inventory.hosts)
        else:
            count = len(inventory.hosts)
            out.print(f"[green]✓[/green] {inventory.folder} is good: {count} host{'' if count == 1 else 's'}")


@app.command("list")
def show(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of hosts or groups; all hosts without one.", show_default=False)
    ] = None,
    environment: EnvironmentOption = "dev",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show the hosts with what was resolved for each."""
    with guarded(output):
        inventory = _read(environment)
        hosts = inventory.select(*(names or ()))
        if output is Output.JSON:
            _emit(inventory, hosts)
        else:
            show_rows("inventory", [_row(host) for host in hosts], output)


@app.command()
def graph(environment: EnvironmentOption = "dev", output: OutputOption = Output.TABLE) -> None:
    """Draw groups and hosts as a tree; a group that is in several stands in each."""
    with guarded(output):
        inventory = _read(environment)
        if output is Output.JSON:
            _emit(inventory, inventory.hosts)
        else:
            out.print(_tree(inventory))


def _read(environment: str) -> Inventory:
    from pointsman.inventory import read_inventory

    return read_inventory(environment)


def _row(host: Host) -> dict[str, Any]:
    runner = host.runner
    return {
        "host": host.name,
        "part": runner.part if runner else "",
        "address": f"{host.address}:{host.port}",
        "user": host.user,
        "runner": runner.name if runner else "",
        "labels": ", ".join(host.labels),
        "profile": runner.profile if runner else "",
        "mode": runner.mode if runner else "",
        "exporters": ", ".join(f"{name}:{port}" for name, port in host.exporters.items()),
        "hash": host.hash[:_SHORT_HASH],
    }


def _emit(inventory: Inventory, hosts: Sequence[Host]) -> None:
    from pointsman.cli.documents import GroupLine, HostLine, InventoryDocument

    emit(
        InventoryDocument(
            environment=inventory.environment,
            folder=inventory.folder,
            hosts=[
                HostLine(
                    name=host.name,
                    groups=list(host.groups),
                    address=host.address,
                    port=host.port,
                    user=host.user,
                    exporters=dict(host.exporters),
                    part=host.runner.part if host.runner else "",
                    runner=host.runner.name if host.runner else "",
                    labels=list(host.labels),
                    profile=host.runner.profile if host.runner else "",
                    mode=host.runner.mode if host.runner else "",
                    hash=host.hash,
                )
                for host in hosts
            ],
            groups=[
                GroupLine(name=group.name, children=list(group.children), hosts=list(group.hosts))
                for group in inventory.groups
            ],
        )
    )


def _tree(inventory: Inventory) -> Tree:
    from rich.tree import Tree

    hosts = {host.name: host for host in inventory.hosts}
    inside = {child for group in inventory.groups for child in group.children}

    def grow(tree: Tree, name: str) -> None:
        group = inventory.group(name)
        branch = tree.add(f"[bold]{escaped(name)}[/bold]")
        for child in group.children:
            grow(branch, child)
        for host in group.hosts:
            branch.add(_leaf(hosts[host]))

    tree = Tree(escaped(inventory.folder))
    for group in inventory.groups:
        if group.name not in inside:
            grow(tree, group.name)
    return tree


def _leaf(host: Host) -> str:
    parts = [host.name, f"[dim]{escaped(f'{host.address}:{host.port}')}[/dim]"]
    if host.runner:
        parts.append(f"{escaped(', '.join(host.labels))} ({host.runner.profile}, {host.runner.mode})")
    return "  ".join(parts)
