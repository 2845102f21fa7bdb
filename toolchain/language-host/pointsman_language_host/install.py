"""How the dependencies of a program or plugin get installed with pip: the commands, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pointsman_language_host.options import HostError, Project
from pointsman_language_host.programs import Command, activated, python_of, virtualenv_python


@dataclass(frozen=True)
class Step:
    """One command of an installation, with a line that says what it does."""

    title: str
    command: Command


def steps(project: Project, env: Mapping[str, str]) -> list[Step]:
    """The virtual environment when it is missing, then requirements.txt, or else pyproject.toml, if there is one.

    Nothing else is upgraded: a machine behind a package proxy gets what the project asks for. Raises HostError without
    a Python.
    """
    result = []
    python = ""
    cwd = str(project.directory)
    if project.virtualenv is None:
        python = python_of(project, env)
    else:
        python = str(virtualenv_python(project.virtualenv))
        if project.virtualenv.exists() and not project.virtualenv.is_dir():
            raise HostError(f"runtime.options.virtualenv is {project.virtualenv}, which is not a directory")
        if not virtualenv_python(project.virtualenv).is_file():
            ambient = python_of(replace(project, virtualenv=None), env)
            command = Command((ambient, "-m", "venv", str(project.virtualenv)), dict(env), cwd)
            result.append(Step(f"Making the virtual environment {project.virtualenv}", command))
    for what, where in _sources(project):
        command = Command((python, "-m", "pip", "install", *what), activated(env, project.virtualenv), cwd)
        result.append(Step(f"Installing what {where} asks for", command))
    return result


def _sources(project: Project) -> list[tuple[list[str], str]]:
    for directory in dict.fromkeys((project.directory, project.root)):
        if (directory / "requirements.txt").is_file():
            return [(["-r", str(directory / "requirements.txt")], str(directory / "requirements.txt"))]
        if (directory / "pyproject.toml").is_file():
            return [(["-e", str(directory)], str(directory / "pyproject.toml"))]
    return []
