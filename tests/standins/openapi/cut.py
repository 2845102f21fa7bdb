"""Cuts the slice of GitHub's published OpenAPI description that the stand-in server is held to.

    python tests/standins/openapi/cut.py            writes github.json beside this file
    python tests/standins/openapi/cut.py --check    exits 1 when the committed slice is another

The description comes from the npm package of `PACKAGE` through `npm pack`, so from the registry that npm is set up
with. Only the operations of `OPERATIONS` stay, with the schemas that they reach, as they are under `API_VERSION`;
prose, examples and extensions go.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "@octokit/openapi@23.0.2"
DESCRIPTION = "package/generated/api.github.com.json"
API_VERSION = "2026-03-10"
SLICE = Path(__file__).with_name("github.json")

# Each is there for repositories and organisations: the marks stand for the two forms of an operation's name.
AT_BOTH_LEVELS = (
    "actions/list-self-hosted-runners-for-{}",
    "actions/get-self-hosted-runner-for-{}",
    "actions/delete-self-hosted-runner-from-{}",
    "actions/create-registration-token-for-{}",
    "actions/create-remove-token-for-{}",
    "actions/generate-runner-jitconfig-for-{}",
    "actions/list-runner-applications-for-{}",
    "actions/list-labels-for-self-hosted-runner-for-{}",
    "actions/add-custom-labels-to-self-hosted-runner-for-{}",
    "actions/set-custom-labels-for-self-hosted-runner-for-{}",
    "actions/remove-custom-label-from-self-hosted-runner-for-{}",
    "actions/list-{}-secrets",
    "actions/get-{}-public-key",
    "actions/get-{}-secret",
    "actions/create-or-update-{}-secret",
    "actions/delete-{}-secret",
)
OF_REPOSITORIES = (
    "actions/list-workflow-runs-for-repo",
    "actions/get-workflow-run",
    "actions/list-jobs-for-workflow-run",
    "actions/get-job-for-workflow-run",
    "actions/cancel-workflow-run",
    "actions/force-cancel-workflow-run",
    "actions/re-run-workflow",
    "actions/re-run-workflow-failed-jobs",
    "actions/create-workflow-dispatch",
    "issues/create",
    "issues/list-for-repo",
    "issues/update",
    "issues/create-comment",
)
OPERATIONS = frozenset(
    [name.format(level) for name in AT_BOTH_LEVELS for level in ("repo", "org")]
    + [*OF_REPOSITORIES, "actions/list-self-hosted-runner-groups-for-org", "rate-limit/get"]
)
# What a failed request of any operation is answered with, though most operations do not list it.
ALWAYS_KEPT = ("#/components/schemas/basic-error",)
PROSE = frozenset({"description", "example", "examples", "summary", "externalDocs", "tags", "title", "deprecated"})
BREAKING = "x-github-breaking-changes"


def fetched(folder: Path) -> tuple[dict[str, Any], str]:
    """The whole description and the sha256 of its text."""
    packed = subprocess.run(
        ["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, text=True, stdout=subprocess.PIPE
    ).stdout.split()[-1]
    with tarfile.open(folder / packed) as archive:
        member = archive.extractfile(DESCRIPTION)
        if member is None:
            raise SystemExit(f"{PACKAGE} holds no {DESCRIPTION}")
        text = member.read()
    return json.loads(text), hashlib.sha256(text).hexdigest()


def merged(target: Any, patch: Any) -> Any:
    """`target` after a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def edited(target: Any, steps: list[dict[str, Any]]) -> Any:
    """`target` after a JSON patch (RFC 6902) of the steps that the description uses: remove, replace and add."""
    for step in steps:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
        there = target
        for part in way:
            there = there[int(part)] if isinstance(there, list) else there[part]
        key: Any = int(last) if isinstance(there, list) else last
        if step["op"] == "remove":
            del there[key]
        else:
            there[key] = step["value"]
    return target


def of_version(thing: dict[str, Any]) -> dict[str, Any]:
    """An operation or schema as it is under `API_VERSION`."""
    for change in thing.get(BREAKING, ()):
        if change["version"] <= API_VERSION:
            patch = change["patch"]
            thing = edited(thing, patch) if isinstance(patch, list) else merged(thing, patch)
    return thing


def bare(thing: Any, names: bool = False) -> Any:
    """`thing` without prose, examples and extensions; `names`: its keys are names of properties, which all stay."""
    if isinstance(thing, list):
        return [bare(each) for each in thing]
    if not isinstance(thing, dict):
        return thing
    return {
        key: bare(value, names=key == "properties" and not names)
        for key, value in thing.items()
        if names or not (key in PROSE or key.startswith("x-"))
    }


def references(thing: Any) -> set[str]:
    """Every `$ref` below `thing`."""
    if isinstance(thing, list):
        return set().union(*map(references, thing))
    if not isinstance(thing, dict):
        return set()
    own = {thing["$ref"]} if isinstance(thing.get("$ref"), str) else set()
    return own.union(*map(references, thing.values()))


def cut(whole: dict[str, Any], digest: str) -> dict[str, Any]:
    """The slice of the description `whole`, whose sha256 is `digest`."""
    paths: dict[str, Any] = {}
    for path, item in whole["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and operation.get("operationId") in OPERATIONS:
                paths.setdefault(path, {})[method] = bare(of_version(operation))
    found = {operation["operationId"] for item in paths.values() for operation in item.values()}
    if missing := OPERATIONS - found:
        raise SystemExit(f"{PACKAGE} has no operation {', '.join(sorted(missing))}")
    components: dict[str, dict[str, Any]] = {}
    waiting = [*references(paths), *ALWAYS_KEPT]
    while waiting:
        _, _, kind, name = waiting.pop().split("/", 3)
        if name not in components.setdefault(kind, {}):
            components[kind][name] = bare(of_version(whole["components"][kind][name]))
            waiting.extend(references(components[kind][name]))
    info = {"title": "GitHub REST API, the operations that Pointsman uses", "version": API_VERSION}
    source = {"package": PACKAGE, "file": DESCRIPTION, "sha256": digest, "license": "MIT"}
    return {
        "openapi": whole["openapi"],
        "info": info,
        "x-cut-from": source,
        "paths": paths,
        "components": {kind: dict(sorted(named.items())) for kind, named in sorted(components.items())},
    }


def document(slice_: dict[str, Any]) -> str:
    """The text of the committed file: a line for each path and component, so that a renewal shows what changed."""
    head = {key: value for key, value in slice_.items() if key not in ("paths", "components")}
    lines = [f"{json.dumps(key)}:{json.dumps(value)}" for key, value in head.items()]
    kinds = [f"{json.dumps(kind)}:{_by_line(named)}" for kind, named in slice_["components"].items()]
    lines += [f'"paths":{_by_line(slice_["paths"])}', '"components":{\n' + ",\n".join(kinds) + "\n}"]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _by_line(named: dict[str, Any]) -> str:
    return "{\n" + ",\n".join(f"{json.dumps(name)}:{_compact(value)}" for name, value in named.items()) + "\n}"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def main() -> int:
    """Writes the slice, or compares it with the committed one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the slice would change")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = document(cut(*fetched(Path(folder))))
    if arguments.check:
        same = SLICE.is_file() and SLICE.read_text("utf-8") == text
        print("the slice is up to date" if same else f"{SLICE} is not what {PACKAGE} gives: run {__file__}")
        return 0 if same else 1
    SLICE.write_text(text, "utf-8")
    print(f"{SLICE}: {len(text.encode()) // 1024} KB, {len(OPERATIONS)} operations")
    return 0


if __name__ == "__main__":
    sys.exit(main())
