"""How a program, a plugin or a policy pack is started: the command line and the environment, made by pure functions.

The order and the names of the program's arguments are those of `pulumi-language-python-exec`; the choice between the
ways to run a plugin is that of the official host.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pointsman_language_host.options import HostError, Project

BIN = "Scripts" if os.name == "nt" else "bin"
MAX_VARIABLE_BYTES = 128 * 1024
"""Linux refuses a longer environment string (MAX_ARG_STRLEN: 32 pages of 4 KiB)."""


@dataclass(frozen=True)
class Command:
    """A process to be started."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str


@dataclass(frozen=True)
class Run:
    """What the engine says about one run of a program; the field names are the protocol's."""

    project: str
    stack: str
    organization: str
    pwd: str
    monitor: str
    engine: str
    parallel: int
    dry_run: bool
    config: Mapping[str, str]
    secret_keys: Sequence[str]
    args: Sequence[str]


def virtualenv_python(virtualenv: Path) -> Path:
    """Where a virtual environment keeps its interpreter."""
    return virtualenv / BIN / ("python.exe" if os.name == "nt" else "python")


def missing_virtualenv(virtualenv: Path, root: Path) -> HostError:
    """The error for a virtual environment that is not there, with the commands that make it."""
    found = "is not a virtual environment" if virtualenv.exists() else "does not exist"
    python = virtualenv_python(virtualenv)
    requirements = root / "requirements.txt"
    what = f"-r {requirements}" if requirements.exists() else "pulumi"
    return HostError(
        f"the virtual environment {virtualenv} (runtime.options.virtualenv of the project in {root}) {found}.\n"
        f"Make it with `pulumi install` in {root}, or with:\n"
        f"    python3 -m venv {virtualenv}\n"
        f"    {python} -m pip install {what}"
    )


def python_of(project: Project, env: Mapping[str, str]) -> str:
    """The project's interpreter: its virtual environment's, else PULUMI_PYTHON_CMD, or python3 or python on PATH.

    Raises HostError when there is none.
    """
    if project.virtualenv:
        python = virtualenv_python(project.virtualenv)
        if not python.is_file():
            raise missing_virtualenv(project.virtualenv, project.root)
        return str(python)
    import shutil  # loads the compression modules: only where there is no virtual environment

    names = [env["PULUMI_PYTHON_CMD"]] if env.get("PULUMI_PYTHON_CMD") else ["python3", "python"]
    for name in names:
        if found := shutil.which(name, path=env.get("PATH")):
            return found
    raise HostError(
        f"no Python: none of {', '.join(names)} is on PATH. Install Python, or set runtime.options.virtualenv."
    )


def activated(env: Mapping[str, str], virtualenv: Path | None) -> dict[str, str]:
    """The environment as `activate` would leave it: the virtual environment first on PATH, and no PYTHONHOME."""
    if virtualenv is None:
        return dict(env)
    result = {key: value for key, value in env.items() if key not in ("PYTHONHOME", "VIRTUAL_ENV")}
    result["PATH"] = os.pathsep.join(part for part in (str(virtualenv / BIN), env.get("PATH", "")) if part)
    result["VIRTUAL_ENV"] = str(virtualenv)
    return result


def parse_environment(entries: Iterable[str]) -> dict[str, str]:
    """`KEY=value` strings as the engine sends them; of a repeated key the last one counts."""
    pairs = (entry.partition("=") for entry in entries)
    return {key: value for key, _, value in pairs if key}


def program_command(project: Project, run: Run, executor: Path, env: Mapping[str, str]) -> Command:
    """The command that runs a program through `pulumi-language-python-exec`; its config is in the environment."""
    named = {
        "monitor": run.monitor,
        "engine": run.engine,
        "project": run.project,
        "root_directory": str(project.root),
        "stack": run.stack,
        "pwd": run.pwd,
        "dry_run": "true" if run.dry_run else "false",
        "parallel": str(run.parallel),
        "organization": run.organization,
    }
    flags = [part for name, value in named.items() if value for part in (f"--{name}", value)]
    config = json.dumps(dict(run.config))
    if len(config) > MAX_VARIABLE_BYTES - len("PULUMI_CONFIG=") - 1:
        raise HostError(
            f"the stack's config is {len(config)} bytes; {MAX_VARIABLE_BYTES} are possible. Move data to files."
        )
    environment = activated(env, project.virtualenv)
    environment |= {"PULUMI_CONFIG": config, "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(run.secret_keys))}
    # -u: what a program prints is seen when it prints it, not when it ends.
    argv = [python_of(project, env), "-u", str(executor), *flags, project.entry_point, *run.args]
    return Command(tuple(argv), environment, run.pwd or str(project.directory))


def _package_name(root: Path) -> str | None:
    """The name of the buildable package in `root`: a pyproject.toml with a build backend."""
    path = root / "pyproject.toml"
    if not path.is_file():
        return None
    import tomllib

    try:
        pyproject = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise HostError(f"{path}: not valid TOML: {error}") from error
    name = pyproject.get("project", {}).get("name")
    return name if isinstance(name, str) and pyproject.get("build-system", {}).get("build-backend") else None


def plugin_command(project: Project, kind: str, pwd: str, args: Sequence[str], env: Mapping[str, str]) -> Command:
    """The command that runs a plugin: a policy pack by `pulumi.policy`, a directory by `__main__.py`, else a package.

    Raises HostError when the plugin offers none of these.
    """
    python = python_of(project, env)
    if kind == "analyzer":
        tail = ["-m", "pulumi.policy", *args, str(project.directory)]
    elif (project.root / "__main__.py").is_file():
        tail = [str(project.directory), *args]
    elif name := _package_name(project.root):
        tail = ["-m", "pulumi.run.plugin", name, *args]
    else:
        raise HostError(
            f"the plugin in {project.root} cannot be run: it has no __main__.py and no pyproject.toml that builds."
        )
    return Command((python, "-u", *tail), activated(env, project.virtualenv), pwd or str(project.root))
