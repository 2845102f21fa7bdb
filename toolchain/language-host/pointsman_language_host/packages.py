"""What is installed for a program: read from the site-packages of *its* Python, never from the host's.

The rules (which distribution is a Pulumi package, what its plugin is called, how a Python version becomes a plugin's)
are those of the official host.
"""

import base64
import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from pointsman_language_host.options import HostError, Project
from pointsman_language_host.programs import activated, python_of

WITHOUT_PLUGIN = frozenset({"pulumi_policy", "pulumi_esc_sdk"})
QUESTION = "import json, sys; print(json.dumps([sys.executable, sys.version.split()[0], [p for p in sys.path if p]]))"
ANSWER_SECONDS = 30.0

VERSION = re.compile(
    r"(?P<release>\d+(\.\d+)*)((?P<phase>a|b|rc)(?P<pre>\d+))?(?P<post>\.post\d+)?(?P<dev>\.dev\d+)?", re.ASCII
)
PHASES = {"a": "alpha", "b": "beta", "rc": "rc"}


@dataclass(frozen=True)
class Interpreter:
    """A program's Python."""

    executable: str
    version: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Parameterization:
    """What turns a parameterized plugin into a package (`value` is opaque to all but the plugin)."""

    name: str
    version: str
    value: bytes


@dataclass(frozen=True)
class Package:
    """A resource plugin that a program needs. `version` has a leading `v`."""

    name: str
    version: str
    server: str = ""
    parameterization: Parameterization | None = None
    extension: Parameterization | None = None


@dataclass(frozen=True)
class Distribution:
    """An installed distribution: name with `_` for `-` and `.`, and the directories in which its module may be."""

    name: str
    version: str
    locations: tuple[Path, ...]


def ask_interpreter(project: Project, env: Mapping[str, str]) -> Interpreter:
    """Runs the program's Python once (20 ms) for its version and `sys.path`. Raises HostError if it does not run."""
    python = python_of(project, env)
    try:
        answer = subprocess.run(
            [python, "-c", QUESTION],
            env=activated(env, project.virtualenv),
            capture_output=True,
            check=True,
            timeout=ANSWER_SECONDS,
        )
        executable, version, path = json.loads(answer.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        detail = getattr(error, "stderr", b"") or b""
        raise HostError(f"{python} does not run: {error}\n{detail.decode(errors='replace')}".rstrip()) from error
    return Interpreter(executable, version, tuple(path))


def distributions(path: Iterable[str]) -> list[Distribution]:
    """The distributions on a `sys.path`, by name. The first of a name counts, as it does for an import."""
    found: dict[str, Distribution] = {}
    for entry in map(Path, path):
        for info in sorted(entry.glob("*.dist-info")) if entry.is_dir() else ():
            name, _, version = info.name.removesuffix(".dist-info").partition("-")
            name = re.sub(r"[-.]", "_", name).lower()
            found.setdefault(name, Distribution(name, version, (entry, *_editable_sources(info))))
    return [found[name] for name in sorted(found)]


def _editable_sources(info: Path) -> list[Path]:
    try:
        origin = json.loads((info / "direct_url.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not origin.get("dir_info", {}).get("editable"):
        return []
    source = Path(unquote(urlparse(origin.get("url", "")).path))
    return [source, source / "src"]


def required_packages(installed: Iterable[Distribution]) -> list[Package]:
    """The plugins that the installed Pulumi packages need. Raises HostError for an unreadable pulumi-plugin.json."""
    packages = (package_of(distribution) for distribution in installed if distribution.name not in WITHOUT_PLUGIN)
    return [package for package in packages if package]


def package_of(distribution: Distribution) -> Package | None:
    """The plugin of a distribution, or None when it has none."""
    about = _plugin_json(distribution)
    if about is None and not distribution.name.startswith("pulumi_"):
        return None
    about = about if about is not None else {"resource": True}
    version = str(about.get("version") or "") or plugin_version(distribution.version)
    if not about.get("resource") or version is None:
        return None
    return Package(
        name=str(about.get("name") or distribution.name.removeprefix("pulumi_").replace("_", "-")),
        version="v" + version.removeprefix("v"),
        server=str(about.get("server") or ""),
        parameterization=_parameterization(about.get("parameterization")),
        extension=_parameterization(about.get("extensionParameterization")),
    )


def _plugin_json(distribution: Distribution) -> dict[str, object] | None:
    for location in distribution.locations:
        path = location / distribution.name / "pulumi-plugin.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise HostError(f"{path}: cannot be read: {error}. Reinstall {distribution.name}.") from error
        if isinstance(content, dict):
            return content
        raise HostError(f"{path}: holds {type(content).__name__}; expected an object. Reinstall {distribution.name}.")
    return None


def _parameterization(value: object) -> Parameterization | None:
    if not isinstance(value, dict):
        return None
    return Parameterization(str(value["name"]), str(value["version"]), base64.b64decode(value.get("value") or ""))


def plugin_version(version: str) -> str | None:
    """A Python version as a semantic one: `1.2` is `1.2.0`, `1.2.3rc4` is `1.2.3-rc.4`; None for an epoch."""
    match = VERSION.fullmatch(version)
    if not match:
        return None
    numbers = match["release"].split(".")
    result = ".".join(numbers + ["0"] * (3 - len(numbers)))
    if match["phase"]:
        result += f"-{PHASES[match['phase']]}.{match['pre']}"
    build = (match["post"] or "").lstrip(".") + (match["dev"] or "").lstrip(".")
    return f"{result}+{build}" if build else result


def dependencies(path: Iterable[str], transitive: bool) -> list[tuple[str, str]]:
    """Name and version of what is installed on a `sys.path`; without `transitive`, only what nothing else requires."""
    from importlib import metadata  # 20 ms; `pulumi about` alone needs it

    installed: dict[str, metadata.Distribution] = {}
    for distribution in metadata.distributions(path=list(path)):
        installed.setdefault(_normalized(distribution.name), distribution)
    required = set()
    if not transitive:
        requirements = (text for distribution in installed.values() for text in distribution.requires or ())
        required = {
            _normalized(re.split(r"[^\w.-]", text, maxsplit=1)[0]) for text in requirements if "extra ==" not in text
        }
    return [(installed[name].name, installed[name].version) for name in sorted(installed.keys() - required)]


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
