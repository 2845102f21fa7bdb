"""What `runtime.options` of Pulumi.yaml, PulumiPlugin.yaml or PulumiPolicy.yaml asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PLUGIN_VIRTUALENV = "venv"
"""Plugins never run in the ambient Python; the official host assumes this directory when the option is absent."""


class HostError(Exception):
    """A mistake in a project or on this machine, told to the user as it stands."""


@dataclass(frozen=True)
class Project:
    """A program, plugin or policy pack: where it lives and which Python runs it.

    `root` holds the project file, `directory` the program (`main`), `entry_point` is relative to `directory`;
    `virtualenv` is absolute, or None for the Python on PATH.
    """

    root: Path
    directory: Path
    entry_point: str
    virtualenv: Path | None
    typechecker: str | None = None

    def with_virtualenv(self, path: Path) -> "Project":
        """The same project in another virtual environment."""
        return Project(self.root, self.directory, self.entry_point, path, self.typechecker)


def _text(options: Mapping[str, object], key: str) -> str | None:
    value = options.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise HostError(f"runtime.options.{key} is {value!r}; expected a string")
    return value


def parse_project(root: str, directory: str, entry_point: str, options: Mapping[str, object]) -> Project:
    """Reads the options; a relative `virtualenv` starts at the directory of the project file, as in the official host.

    Raises HostError for an option of the wrong type, or a toolchain that only the official host has.
    """
    toolchain = _text(options, "toolchain") or "pip"
    if toolchain != "pip":
        raise HostError(
            f"runtime.options.toolchain is {toolchain!r}; this language host knows 'pip' only. "
            "Set it to 'pip', or use the official pulumi-language-python."
        )
    virtualenv = _text(options, "virtualenv")
    base = Path(root or directory or Path.cwd())
    return Project(
        root=base,
        directory=Path(directory) if directory else base,
        entry_point=entry_point or ".",
        virtualenv=base / virtualenv if virtualenv else None,
        typechecker=_text(options, "typechecker"),
    )


def for_plugin(project: Project) -> Project:
    """A plugin's or policy pack's project, with the default virtual environment when none was named."""
    return project if project.virtualenv else project.with_virtualenv(project.root / DEFAULT_PLUGIN_VIRTUALENV)
