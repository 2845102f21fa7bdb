"""Images of Python and of test hosts: what is in them, how they start, and what makes them new ones."""

from __future__ import annotations

import ast
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pointsman.builds.debian import TREE, VERSIONS
from pointsman.builds.system import LAYER
from pointsman.builds.wheels import INTERPRETER
from pointsman.errors import UsageError
from pointsman.images import making, packages
from pointsman.images.archive import assemble
from pointsman.images.catalogue import Host, Service, load
from pointsman.paths import checkout

PROGRAM = Service.model_validate(
    {
        "version": "1.0.0",
        "user": {"id": 65534, "name": "nobody"},
        "binaries": {"python3": "/usr/bin/python3"},
        "packages": {
            "python": {
                "suite": "bookworm",
                "python": "3.11",
                "packages": {"python3.11-minimal": "3.11.2"},
                "lock": "runtime.lock",
                "distributions": ["jsonschema"],
                "code": {"program": "components/program", "program/data.json": "shared/data.json"},
                "module": "program",
                "seconds": 1.0,
                "scratch": 1,
            }
        },
    }
)
HOST = Host.model_validate(
    {"version": "12", "suite": "bookworm", "folder": "host", "packages": ["systemd"], "seconds": 1.0, "scratch": 1}
)
FOLDER = "/opt/pointsman/code/program"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one program, one host and a lock."""
    for name, text in {
        "components/program/__main__.py": "print('up')\n",
        "components/program/__pycache__/__main__.cpython-311.pyc": "compiled",
        "shared/data.json": "{}",
        "requirements/runtime.lock": "jsonschema==4.26.0 \\\n    --hash=sha256:00\n",
        "images/host/finish.sh": "true\n",
        "images/host/files/etc/motd": "welcome\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for module in (packages, making):
        monkeypatch.setattr(module, "checkout", lambda: tmp_path)
    return tmp_path


def test_an_image_of_python_holds_interpreter_wheels_and_code(here: Path) -> None:
    """No compiled file of the checkout; it starts the module as its user, and finds code and wheels."""
    result = here / "result"
    module = result / TREE / "opt/pointsman/lib/jsonschema.py"
    module.parent.mkdir(parents=True)
    module.write_text("")
    (result / INTERPRETER).write_text("interpreter")
    (result / VERSIONS).write_text("python3.11-minimal=3.11.2-6\n")
    made = packages.layout("program", PROGRAM, result, b"", "0123456789ab")
    files = {entry.path for entry in made.entries if entry.content is not None and not entry.path.startswith("/etc")}
    assert files == {
        "/usr/bin/python3",
        "/opt/pointsman/lib/jsonschema.py",
        f"{FOLDER}/__main__.py",
        f"{FOLDER}/data.json",
    }
    assert (made.user, list(made.entrypoint)) == (65534, ["/usr/bin/python3", "-m", "program"])
    assert made.environment["PYTHONPATH"] == "/opt/pointsman/code:/opt/pointsman/lib"
    assert made.labels["org.opencontainers.image.version"] == "1.0.0"
    assert made.labels["pointsman.packages"] == "python3.11-minimal=3.11.2-6"


def test_changed_code_is_a_new_image_of_the_same_parts(here: Path) -> None:
    """The build stays as it is, so that only loading is left to do; what Python leaves behind does not count."""
    before = packages.plan("program", PROGRAM)
    (here / "components/program/__pycache__/other.pyc").write_text("compiled")
    assert packages.plan("program", PROGRAM).recipe == before.recipe
    (here / "shared/data.json").write_text("[]")
    after = packages.plan("program", PROGRAM)
    assert after.recipe != before.recipe
    assert after.build.recipe == before.build.recipe
    (here / "requirements/runtime.lock").write_text("jsonschema==4.27.0 \\\n    --hash=sha256:00\n")
    assert packages.plan("program", PROGRAM).build.recipe != before.build.recipe


def test_code_that_is_not_there_is_named(here: Path) -> None:
    """An image without its program is never made."""
    (here / "shared/data.json").unlink()
    with pytest.raises(UsageError, match=r"there is no shared/data\.json"):
        packages.plan("program", PROGRAM)


def test_a_host_is_rebuilt_when_one_of_its_files_changes(here: Path) -> None:
    """The script and every file count; so do the packages."""
    recipes = {packages.plan("host", HOST).recipe}
    (here / "images/host/files/etc/motd").write_text("hello\n")
    recipes.add(packages.plan("host", HOST).recipe)
    (here / "images/host/finish.sh").write_text("false\n")
    recipes.add(packages.plan("host", HOST).recipe)
    recipes.add(packages.plan("host", HOST.model_copy(update={"packages": ["systemd", "dbus"]})).recipe)
    assert len(recipes) == 4


def test_a_hosts_image_is_the_systems_own_archive(here: Path) -> None:
    """The layer is what the build packed, byte for byte; it starts systemd as root and is stopped as systemd asks."""
    result = here / "result"
    result.mkdir()
    (result / VERSIONS).write_text("debian=12.12\n")
    with tarfile.open(result / LAYER, "w") as tar:
        tar.add(here / "images/host/files", arcname=".")
    archive = assemble(packages.layout("host", HOST, result, b"", "0123456789ab"), "pointsman/host:1")
    sent = b"".join(archive.stream())
    assert len(sent) == archive.size
    with tarfile.open(fileobj=io.BytesIO(sent)) as tar:
        files = {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar}
    assert files["layer.tar"] == (result / LAYER).read_bytes()
    config = json.loads(files[archive.image_id.removeprefix("sha256:") + ".json"])["config"]
    assert (config["User"], config["Entrypoint"], config["StopSignal"]) == ("0:0", ["/sbin/init"], "SIGRTMIN+3")
    assert "container=docker" in config["Env"]
    assert config["Labels"]["org.opencontainers.image.version"] == "12.12"


def imported(file: Path, package: str) -> Iterator[str]:
    """The modules of one package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == package and node.level == 0:
            yield from (f"{package}.{each.name}" for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (name for name in (node.module,) if name.split(".")[0] == package)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.split(".")[0] == package)


def test_images_hold_all_of_pointsman_that_they_import() -> None:
    """Code that the images' modules import from this package is in the image too, but for what only types need."""
    for name, service in load().services.items():
        recipe = service.packages and service.packages.python
        for target, source in (recipe.code if recipe else {}).items():
            # The package's own names are imported by whoever asks for one.
            if target == "pointsman/__init__.py" or not target.startswith("pointsman"):
                continue
            place = checkout() / source
            for file in [place] if place.is_file() else place.rglob("*.py"):
                for module in imported(file, "pointsman"):
                    path = module.replace(".", "/")
                    assert recipe
                    held = any(path == each.removesuffix(".py") or path.startswith(f"{each}/") for each in recipe.code)
                    assert held, f"{name}: {file} imports {module}"
