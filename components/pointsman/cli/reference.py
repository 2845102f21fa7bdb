"""The reference pages that code can write: command line, spec, images, dashboards, and the schema of `--output json`.

`python -m pointsman.cli.reference` writes them into docs/reference/; a test compares what is there with what it writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

import typer

from pointsman.cli.app import app
from pointsman.cli.documents import DOCUMENTS, json_schema
from pointsman.errors import EXIT_FAULT, EXIT_GOOD, EXIT_UNREACHABLE, EXIT_USAGE
from pointsman.images.catalogue import Catalogue, Service
from pointsman.images.catalogue import load as load_catalogue
from pointsman.inventory import variables
from pointsman.paths import checkout
from pointsman.signals.dashboards import reference as dashboards
from pointsman.spec.base import Location
from pointsman.spec.mistakes import key_path
from pointsman.spec.models import Environment
from pointsman.spec.monitor import MonitorSpec
from pointsman.spec.run_alerts import RunAlerts
from pointsman.spec.schema import ITEM, known_keys, schema_at, schema_text
from pointsman.spec.wording import expected

FOLDER = "docs/reference"
PROGRAM = "pointsman"
_NOTE = "<!-- Written by `python -m pointsman.cli.reference`; edit the code that it is taken from. -->"
_EXIT_CODES = (
    (EXIT_GOOD, "good"),
    (EXIT_FAULT, "a fault was found, or made"),
    (EXIT_USAGE, "the command line, the spec or a file of the clone is wrong; nothing was touched"),
    (EXIT_UNREACHABLE, "something outside is not there: Docker, a registry, the disk"),
)
# Variables that no option stands for, with where each is read.
_VARIABLES = (
    ("POINTSMAN_ENVIRONMENT", "the environment, where `--env` is not given; `dev` without both"),
    ("POINTSMAN_ROOT", "the clone; else the nearest folder above the working directory that is one"),
    ("POINTSMAN_STATE_DIR", "Pulumi state, passphrase, image locks; else `pointsman` in the XDG state directory"),
    ("POINTSMAN_CACHE_DIR", "toolchain and built binaries; else `pointsman` in the XDG cache directory"),
    ("POINTSMAN_TOOLCHAIN", "`auto`, `built` or `installed`: which Pulumi is taken; `auto` by default"),
    ("DOCKER_HOST", "the Docker engine, as for the `docker` command"),
)


def pages() -> dict[str, str]:
    """The text of every generated file, by its name in docs/reference/."""
    return {
        "command-line.md": command_line(),
        "spec.md": spec(),
        "inventory.md": inventory(),
        "images.md": images(load_catalogue()),
        "dashboards.md": _page("Dashboards", *dashboards.parts()),
        "spec.schema.json": schema_text(),
        "monitor.schema.json": schema_text(MonitorSpec),
        "run-alerts.schema.json": schema_text(RunAlerts),
        "documents.schema.json": json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def command_line() -> str:
    """The page of all commands, with exit codes, variables and documents."""
    return _page(
        "Command line",
        "`pointsman` is in `.venv/bin`. `make up`, `make verify` and `make down` call it for the environment `ENV`.",
        *_command(typer.main.get_command(app), PROGRAM),
        "## Exit codes",
        _table(("code", "meaning"), ((str(code), meaning) for code, meaning in _EXIT_CODES)),
        "## Variables",
        _table(("variable", "decides"), ((f"`{name}`", meaning) for name, meaning in _VARIABLES)),
        "## Documents",
        "`--output json` prints one document a run (`logs`: one a line) on standard output; progress goes to standard "
        "error. [documents.schema.json](documents.schema.json) describes them all; `pointsman spec schema --documents` "
        "prints it. A field may be added within a version; one that goes or changes its meaning makes a new version.",
        _table(("document", "what it is"), ((f"`{_name(each)}`", _first_line(each)) for each in DOCUMENTS)),
    )


def spec() -> str:
    """The page of all keys of a spec."""
    plain = Environment().model_dump(mode="json")
    leaves = [at for at in known_keys() if not _has_keys(at)]
    return _page(
        "Spec",
        "An environment is one file, `stacks/<environment>.yaml`. Every key may be left out; an empty file is the "
        "whole default. An unknown key, a wrong value, or values that do not go together are all told at once, and "
        "nothing is touched. `pointsman spec check` tells them, `pointsman spec show --resolved` prints the spec with "
        "every default.",
        "Editors complete and explain keys from [spec.schema.json](spec.schema.json), which the first line of "
        "`stacks/dev.yaml` names.",
        _table(
            ("key", "takes", "default", "meaning"),
            ((f"`{key_path(at)}`", expected(schema_at(at)), _default(plain, at), _meaning(at)) for at in leaves),
        ),
    )


def inventory() -> str:
    """The page of all variables of a host."""
    plain = variables.HostVariables().model_dump(mode="json")
    return _page(
        "Inventory",
        "The hosts of an environment stand in `inventory/<environment>/`: groups and hosts in `hosts.yml`, their "
        "variables there, in `group_vars/<group>.yml` or in `host_vars/<host>.yml`. Ansible resolves them with its own "
        "precedence, Jinja and vault; what comes out must be as below. `pointsman inventory check` tells every mistake "
        "at once.",
        _table(
            ("variable", "takes", "default", "meaning"),
            (
                (f"`{name}`", expected(_host_schema(name)), _host_default(plain[name]), _host_meaning(name))
                for name in plain
            ),
        ),
        "A variable of your own, which only other variables use, begins with `x_`; an encrypted one by custom with "
        "`vault_`. The one lookup is `lookup('env', …)`: a variable that is not set is a mistake, unless the lookup or "
        "the filter `default` gives a value.",
        "## Groups",
        _table(
            ("group", "meaning"),
            (
                ("`runners`", "Hosts with a runner; its children are the next two."),
                ("`runners_primary`", "Those that jobs are led to as long as they work."),
                ("`runners_secondary`", "Those that take over."),
                ("`monitored`", "Hosts whose exporters are scraped."),
            ),
        ),
        "Groups of your own may hold variables; each of their hosts is in one of these as well.",
    )


def images(catalogue: Catalogue) -> str:
    """The page of all images."""
    return _page(
        "Images",
        "What each service is made of, from `images/catalogue.yaml`. `images.source` of the spec says where images "
        "come from; `pointsman images list` shows what an environment has.",
        _table(
            ("service", "version", "user", "official image", "packages mode"),
            (
                (name, each.version, str(each.user.id), _official(each), _made(each))
                for name, each in catalogue.services.items()
            ),
        ),
        "An official image is pulled by the digest that its tag stood for when it was first asked for; the lock of the "
        "environment, `images.lock.json` in its state directory, keeps it. An image of packages mode holds what is "
        "listed, certificates, one user and its folders, and nothing else: no shell. The time is that of a cold build "
        "on two quiet cores, downloads included.",
        "## Test hosts",
        "A test host runs a whole Debian system under systemd, so that a play cannot tell it from a machine. Such an "
        "image is made by debootstrap, which takes root. It has no password, and no identity either: that is made at "
        "the first start.",
        _table(
            ("host", "Debian", "packages beside the smallest set", "time"),
            (
                (name, f"{each.version} ({each.suite})", ", ".join(each.packages), f"{each.seconds:.0f} s")
                for name, each in catalogue.hosts.items()
            ),
        ),
    )


def write() -> None:
    """Writes all pages into the checkout."""
    for name, text in pages().items():
        (checkout() / FOLDER / name).write_text(text, encoding="utf-8")


def _command(command: Any, name: str) -> Iterator[str]:
    """The sections of a command and of all below it. Typer gives its own classes, whose interface is click's."""
    commands = getattr(command, "commands", {})
    if not commands:
        arguments = [each for each in command.params if each.param_type_name == "argument"]
        options = [each for each in command.params if each.param_type_name == "option"]
        usage = " ".join((name, "[OPTIONS]", *(_argument(each) for each in arguments)))
        yield f"## `{name}`"
        yield command.help
        yield f"```text\n{usage}\n```"
        rows = [(f"`{each.name.upper()}`", each.help, "") for each in arguments]
        rows += [(_option(each), each.help or "", _shown(each.default)) for each in options]
        if rows:
            yield _table(("argument or option", "meaning", "default"), rows)
    for below, each in commands.items():
        yield from _command(each, f"{name} {below}")


def _argument(argument: Any) -> str:
    name = str(argument.name).upper()
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    return f"{names} (`{option.envvar}`)" if option.envvar else names


def _shown(value: object) -> str:
    if value in (None, "", False):
        return ""
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _has_keys(at: Location) -> bool:
    return any(other[: len(at)] == at and len(other) > len(at) for other in known_keys())


def _default(plain: dict[str, Any], at: Location) -> str:
    """The default of a key; one in a list's items has none of its own unless the schema tells it."""
    if ITEM in at:
        schema = schema_at(at) or {}
        above = schema_at(at[:-1]) or {}
        if at[-1] in above.get("required", []):
            return "required"
        return f"`{json.dumps(schema.get('default', {}))}`"
    value: Any = plain
    for part in at:
        if value is None:  # a part that is left out has no defaults inside
            return "`null`"
        value = value[part]
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _host_schema(name: str) -> dict[str, Any] | None:
    return variables.schema_at((name,))


def _host_default(value: object) -> str:
    if value is None:
        return "none"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _host_meaning(name: str) -> str:
    return str((_host_schema(name) or {}).get("description", ""))


def _meaning(at: Location) -> str:
    return str((schema_at(at) or {}).get("description", ""))


def _official(service: Service) -> str:
    if service.official is None:
        return "none: built in every mode" if service.purpose == "stack" else "none: for tests only"
    return f"`{service.official.repository}:{service.official.tag}`"


def _made(service: Service) -> str:
    if service.packages is None:
        return "not to be had"
    debian, version = service.packages.debian, service.packages.version
    other = f"{version} in its place: " if version else ""
    if python := service.packages.python:
        other = f"Debian {python.suite}'s Python {python.python} with {', '.join(python.distributions)}: "
    if debian:
        other = f"Debian {debian.suite}, {service.made_version} or newer: "
    binaries = ", ".join(f"`{path}`" for path in service.binaries.values())
    return f"{other}{binaries}; {service.packages.kind.seconds:.0f} s"


def _name(document: type[Any]) -> str:
    return str(document.model_fields["document"].default)


def _first_line(document: type[Any]) -> str:
    return (document.__doc__ or "").strip().partition("\n")[0]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((_NOTE, f"# {title}", *parts)) + "\n"


if __name__ == "__main__":
    write()
