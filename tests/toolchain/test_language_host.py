"""The language host's pure parts: options, the commands that start things, what is installed, output as messages."""

import json
import os
from pathlib import Path

import pytest

from pointsman_language_host import install, packages, programs
from pointsman_language_host.options import HostError, Project, for_plugin, parse_project
from pointsman_language_host.output import messages

RUN = programs.Run(
    project="trial",
    stack="dev",
    organization="organization",
    pwd="/p/stacks",
    monitor="127.0.0.1:1",
    engine="127.0.0.1:2",
    parallel=4,
    dry_run=True,
    config={"trial:key": "value"},
    secret_keys=["trial:key"],
    args=["extra"],
)


def make_virtualenv(path: Path) -> Path:
    """What the host takes for a virtual environment."""
    python = programs.virtualenv_python(path)
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a virtual environment."""
    return Project(tmp_path, tmp_path, ".", make_virtualenv(tmp_path / ".venv"))


@pytest.mark.parametrize(
    ("option", "expected"), [(".venv", "/p/.venv"), ("../v", "/p/../v"), ("/abs", "/abs"), ("", None)]
)
def test_virtualenv_is_relative_to_the_project_file(option: str, expected: str | None) -> None:
    """With `main: stacks` the option still starts at Pulumi.yaml, as in the official host."""
    found = parse_project("/p", "/p/stacks", ".", {"virtualenv": option}).virtualenv
    assert (str(found) if found else None) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [({"toolchain": "poetry"}, "toolchain is 'poetry'"), ({"virtualenv": 3.0}, "expected a string")],
)
def test_options_that_cannot_be_honoured_are_refused(options: dict[str, object], message: str) -> None:
    """Another toolchain or a value of the wrong type is an error that names the key, not something ignored."""
    with pytest.raises(HostError, match=message):
        parse_project("/p", "/p", ".", options)


def test_a_plugin_without_a_virtualenv_option_uses_venv() -> None:
    """A plugin never runs in whatever Python is on PATH."""
    assert for_plugin(parse_project("/p", "/p", ".", {})).virtualenv == Path("/p/venv")


def test_a_missing_virtualenv_says_how_to_make_it(tmp_path: Path) -> None:
    """The message holds the path, what is wrong with it, and commands that can be pasted."""
    (tmp_path / "requirements.txt").touch()
    with pytest.raises(HostError) as caught:
        programs.python_of(Project(tmp_path, tmp_path, ".", tmp_path / ".venv"), {})
    for part in (f"{tmp_path}/.venv", "does not exist", "pulumi install", "-m venv", "pip install -r"):
        assert part in str(caught.value)


def test_a_program_gets_its_arguments_and_its_config(project: Project) -> None:
    """The arguments are pulumi-language-python-exec's; config, which may be secret, is in the environment only."""
    command = programs.program_command(project, RUN, Path("/bin/exec"), {"PATH": "/usr/bin", "PYTHONHOME": "/x"})
    assert command.argv[1:3] == ("-u", "/bin/exec")
    assert command.argv[-2:] == (".", "extra")
    assert "--dry_run true --parallel 4 --organization organization" in " ".join(command.argv)
    assert "value" not in " ".join(command.argv)
    assert json.loads(command.env["PULUMI_CONFIG"]) == {"trial:key": "value"}
    assert json.loads(command.env["PULUMI_CONFIG_SECRET_KEYS"]) == ["trial:key"]
    assert command.env["PATH"].split(os.pathsep) == [str(project.root / ".venv" / "bin"), "/usr/bin"]
    assert "PYTHONHOME" not in command.env
    assert command.cwd == "/p/stacks"


def test_config_that_the_kernel_would_refuse_is_named(project: Project) -> None:
    """An environment string has a limit; beyond it the user is told, instead of 'Argument list too long'."""
    run = programs.Run(**{**vars(RUN), "config": {"trial:big": "x" * programs.MAX_VARIABLE_BYTES}})
    with pytest.raises(HostError, match="config is"):
        programs.program_command(project, run, Path("/bin/exec"), {})


def test_each_kind_of_plugin_has_its_command(project: Project) -> None:
    """A policy pack, a directory with __main__.py and a package that builds have their own ways; no other has."""

    def tail(kind: str) -> tuple[str, ...]:
        return programs.plugin_command(project, kind, "/p", ["127.0.0.1:2"], {}).argv[2:]

    root = project.root
    with pytest.raises(HostError, match=r"no __main__\.py"):
        tail("resource")
    (root / "pyproject.toml").write_text('project.name = "a-plugin"\nbuild-system.build-backend = "hatchling.build"\n')
    assert tail("resource") == ("-m", "pulumi.run.plugin", "a-plugin", "127.0.0.1:2")
    (root / "__main__.py").touch()
    assert tail("resource") == (str(root), "127.0.0.1:2")
    assert tail("analyzer") == ("-m", "pulumi.policy", "127.0.0.1:2", str(root))


def test_of_a_repeated_variable_the_last_counts() -> None:
    """The engine appends its own values to the environment it inherited."""
    assert programs.parse_environment(["A=1", "B=x=y", "A=2"]) == {"A": "2", "B": "x=y"}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.2", "1.2.0"),
        ("5.2.0", "5.2.0"),
        ("1.2.3a4", "1.2.3-alpha.4"),
        ("1.2.3rc4", "1.2.3-rc.4"),
        ("1.2.3.post4.dev5", "1.2.3+post4dev5"),
        ("1!2.0", None),
    ],
)
def test_python_versions_become_semantic_ones(version: str, expected: str | None) -> None:
    """The table of the official host."""
    assert packages.plugin_version(version) == expected


def test_required_plugins_come_from_the_program_s_site_packages(tmp_path: Path) -> None:
    """pulumi-plugin.json says name, version, server; without it a pulumi-* distribution is its own plugin."""

    def installed(name: str, version: str, plugin: dict[str, object] | None, source: Path | None = None) -> None:
        info = tmp_path / f"{name}-{version}.dist-info"
        info.mkdir()
        if source:
            (info / "direct_url.json").write_text(
                json.dumps({"url": f"file://{source}", "dir_info": {"editable": True}})
            )
        if plugin is not None:
            module = (source or tmp_path) / name
            module.mkdir(parents=True)
            (module / "pulumi-plugin.json").write_text(json.dumps(plugin))

    installed("pulumi", "3.272.0", None)
    installed("pulumi_policy", "1.0.0", None)
    installed("pulumi_docker", "5.2.0", {"resource": True, "name": "docker", "server": "file:///plugins"})
    installed("pulumi_quiet_one", "1.0", None)
    installed("pulumi_none", "1.0", {"resource": False})
    installed("thirdparty", "2.0", {"resource": True, "name": "third", "version": "7.0.0"}, tmp_path / "source" / "src")
    installed("requests", "2.0", None)
    (tmp_path / "thirdparty-2.0.dist-info/direct_url.json").write_text(
        json.dumps({"url": f"file://{tmp_path}/source", "dir_info": {"editable": True}})
    )
    assert packages.required_packages(packages.distributions([str(tmp_path), "/nowhere"])) == [
        packages.Package("docker", "v5.2.0", "file:///plugins"),
        packages.Package("quiet-one", "v1.0.0"),
        packages.Package("third", "v7.0.0"),
    ]


def test_installing_makes_the_virtualenv_and_takes_the_requirements(tmp_path: Path) -> None:
    """Two steps for a fresh clone, one when the environment is there, and pip runs in the environment, not outside."""
    (tmp_path / "requirements.txt").touch()
    project = Project(tmp_path, tmp_path, ".", tmp_path / ".venv")
    first, second = install.steps(project, dict(os.environ))
    assert first.command.argv[1:] == ("-m", "venv", f"{tmp_path}/.venv")
    assert second.command.argv == (
        f"{tmp_path}/.venv/bin/python",
        *("-m", "pip", "install", "-r", f"{tmp_path}/requirements.txt"),
    )
    make_virtualenv(tmp_path / ".venv")
    assert [step.command.argv for step in install.steps(project, {})] == [second.command.argv]


def test_output_becomes_lines_and_a_burst_one_message() -> None:
    """Lines survive being cut by a read, blank ones are dropped, bad UTF-8 is no error, a flood is one message."""
    assert list(messages(iter([b"on", b"e\ntwo\n\n \nth", b"ree \xff"]))) == ["one\n", "two\n", "three �\n"]
    assert list(messages(iter([b"x\n" * 100]), burst=20)) == ["x\n" * 100]
