"""The commands of some pages are run as they are written, block after block, as a reader would run them.

Every `sh` block of these pages is run, in one shell, in a copy of the checkout, up to the first command that fails.
What differs from what is written, so that nobody's own `dev` is touched:

- the environment: `dev` in a command becomes the name of this run; `make` gets it by ENV, `pointsman` by
  POINTSMAN_ENVIRONMENT, as a reader may set them too;
- the ports: the spec gets a `ports` section with free ones, and a default port in a command becomes the free one;
- there are no runner hosts: tests/deployed/hosts brings up an environment with them, and each page would play
  for minutes;
- `images.source` is `packages`, so that the same images are used wherever the test runs;
- the state directory is the test's own; toolchain and built images are this machine's;
- `.venv` has the packages of the Python that runs the tests, so that `make` need not install them again.

What is not run at all stands in NOT_RUN, with the reason.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import docker
import pytest

from pointsman.spec.models import Ports
from tests.deployed.estate import Clone, sweep
from tests.deployed.specs import free_ports
from tests.docs.markdown import CHECKOUT, Block, Page

# Pages of a line are followed one after the other in one environment: each begins with `make up`, the last may end it.
EXECUTED = (
    ("README.md",),
    (
        "docs/how-to/watch-runs.md",
        "docs/how-to/verify-alerting.md",
        "docs/how-to/back-up-and-restore.md",
        "docs/tutorial/first-stack.md",
    ),
)
NOT_RUN = {
    "make test": "runs this very test; test_the_readme_tests_as_ci_does holds it to what CI runs",
}
DEFAULT_PORTS: dict[str, int] = {name: each.default for name, each in Ports.model_fields.items()}
PAGE_SECONDS = 900
# The name `dev` where it means the environment: a stack, a file, a part of a container's name.
_NAME = re.compile(r"(?<=--stack )dev\b|(?<=--env )dev\b|(?<=stacks/)dev(?=\.yaml)|(?<=pointsman-)dev(?=-)")


@dataclass(frozen=True)
class Reader:
    """Somebody who follows a page in a clone of their own."""

    clone: Clone
    environment: str
    ports: dict[int, int]

    def types(self, text: str) -> str:
        """A block with this reader's environment and ports."""
        typed = _NAME.sub(self.environment, text)
        return re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda found: str(self.ports[int(found[0])]), typed)

    def follow(self, blocks: list[Block]) -> subprocess.CompletedProcess[str]:
        """Runs blocks in one shell, each announced by its place."""
        script = "".join(f"echo '=== {each.page}:{each.line}'\n{self.types(each.text)}" for each in blocks)
        variables = self.clone.variables() | {"ENV": self.environment, "POINTSMAN_ENVIRONMENT": self.environment}
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.clone.root,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PAGE_SECONDS,
            check=False,
        )


@pytest.fixture
def reader(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reader]:
    """A clone with an environment of its own; nothing of it is left afterwards."""
    (tmp_path / "checkout").mkdir()
    clone = Clone(tmp_path / "checkout", tmp_path / "state")
    environment = f"pmdocs-{os.getpid()}"
    ports = dict(zip(DEFAULT_PORTS.values(), free_ports(len(DEFAULT_PORTS)), strict=True))
    _make_venv(clone.root / ".venv")
    _make_spec(clone.root / "stacks", environment, ports)
    clone.commit()
    yield Reader(clone, environment, ports)
    clone.pointsman("down", "--env", environment, "--volumes")
    client = docker.from_env()
    sweep(client, lambda name: name == environment)
    client.close()


def _make_venv(venv: Path) -> None:
    """A `.venv` as `make` leaves it: links to this Python's own, the console script, the stamps of what is there."""
    venv.unlink()
    (venv / "bin").mkdir(parents=True)
    for each in Path(sys.prefix).iterdir():
        if each.name not in ("bin", ".runtime", ".dev"):
            (venv / each.name).symlink_to(each)
    for each in (Path(sys.prefix) / "bin").iterdir():
        if each.name != "pointsman":
            (venv / "bin" / each.name).symlink_to(each)
    script = venv / "bin" / "pointsman"
    script.write_text(f"#!{venv}/bin/python\nfrom pointsman.cli.app import main\n\nmain()\n")
    script.chmod(0o755)
    for stamp in (".runtime", ".dev"):
        (venv / stamp).touch()


def _make_spec(stacks: Path, environment: str, ports: dict[int, int]) -> None:
    """The spec of `dev` under this environment's name, with free ports, images from packages, and no runner hosts."""
    text = (stacks / "dev.yaml").read_text()
    assert "source: auto" in text
    assert "hosts: containers" in text
    keys = "".join(f"  {key}: {ports[port]}\n" for key, port in DEFAULT_PORTS.items())
    text = text.replace("hosts: containers", "hosts: none")
    text = text.replace("source: auto", "source: packages") + f"\nports:\n{keys}"
    (stacks / f"{environment}.yaml").write_text(text)
    (stacks / "dev.yaml").unlink()


def _executed(page: str) -> list[Block]:
    return [each for each in Page(page).blocks if each.language == "sh" and each.text.strip() not in NOT_RUN]


@pytest.mark.parametrize("followed", EXECUTED, ids=" ".join)
def test_the_commands_of_a_page_work(followed: tuple[str, ...], reader: Reader) -> None:
    """Each command succeeds in the order of the page, prints what the page's `text` blocks show (white space aside),
    and changes nothing in the clone but what the page edits."""
    done = reader.follow([block for page in followed for block in _executed(page)])
    assert done.returncode == 0, done.stdout[-6000:]
    printed = " ".join(done.stdout.split())
    blocks = [each for page in followed for each in Page(page).blocks]
    shown = [line for each in blocks if each.language == "text" for line in each.text.splitlines()]
    assert [line for line in shown if " ".join(reader.types(line).split()) not in printed] == []
    changed = reader.clone.git("status", "--porcelain").split()
    assert set(changed) <= {"M", f"stacks/{reader.environment}.yaml"}, changed


def test_what_is_not_run_is_still_written() -> None:
    """An exception whose command is no longer in a page is taken out of NOT_RUN."""
    written = {each.text.strip() for page in chain(*EXECUTED) for each in Page(page).blocks if each.language == "sh"}
    assert set(NOT_RUN) <= written


def test_the_readme_tests_as_ci_does() -> None:
    """The test command of the README is the one that CI runs on a clean clone."""
    commands = [each.text.strip() for each in Page("README.md").blocks if each.language == "sh"]
    ran = (CHECKOUT / ".ci" / "run").read_text().splitlines()[-1].removeprefix("exec ")
    assert ran in commands
