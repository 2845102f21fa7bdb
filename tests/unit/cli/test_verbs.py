"""The command line: help, exit codes, messages without tracebacks, and the verbs that need nothing but a checkout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pointsman.checks import Report
from pointsman.errors import PointsmanError
from pointsman.spec.reader import parse
from pointsman.spec.schema import json_schema
from tests.unit.cli.world import BAD, GOOD, NOWHERE, checkout, provide, run, verbs

MISTAKES = "prometheus:\n  retenton: {}\nloki: {retention: 1h}\nports: {loki: 99999}\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, a state and a Docker engine that is not there."""
    root = checkout(tmp_path / "clone", dev="# mine\nloki: {retention: 3d}\n", wrong=MISTAKES)
    monkeypatch.setenv("POINTSMAN_ROOT", str(root))
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("POINTSMAN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("words", verbs(), ids=" ".join)
def test_help(words: tuple[str, ...]) -> None:
    """Every verb and group says what it is for."""
    result = run(*words, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.split()) > 10


def test_help_imports_little() -> None:
    """What makes `--help` slow stays out: Pulumi, the Docker SDK and the HTTP client are imported by who needs them."""
    code = (
        "import sys; from pointsman.cli.app import app\n"
        "print([name for name in ('pulumi', 'pulumi_docker', 'docker', 'httpx', 'grpc') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert found.stdout == "[]\n"


def _environment() -> dict[str, str]:
    import pointsman

    return {"PYTHONPATH": str(Path(pointsman.__file__).parents[1])}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("teapot",), "teapot"),
        (("spec", "teapot"), "teapot"),
        (("status", "--teapot"), "--teapot"),
        (("status", "--output", "xml"), "xml"),
        (("logs", "--limit", "0"), "limit"),
        (("logs", "--since", "soon"), "for example --since 15m"),
        (("logs", "teapot"), "has no service teapot"),
        (("spec", "check", "--env", "de"), "did you mean dev?"),
        (("spec", "check", "--env", "Dev"), "cannot be an environment's name"),
        (("spec", "show", "--env", "../dev"), "cannot be an environment's name"),
        (("spec", "check", "--env", "wrong"), "3 mistakes; nothing was touched"),
        (("preflight", "--env", "wrong"), "3 mistakes; nothing was touched"),
        (("up", "--env", "wrong"), "3 mistakes; nothing was touched"),
        (("images", "list", "--env", "wrong"), "3 mistakes; nothing was touched"),
        (("images", "ensure", "--env", "wrong"), "3 mistakes; nothing was touched"),
        (("down",), "it was never brought up"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage(words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of the user's is code 2, a message on standard error, and nothing on standard output."""
    if words[0] == "logs" and words[1] == "teapot":
        from tests.unit.verify.doubles import declared

        monkeypatch.setattr("pointsman.declared.declared", lambda environment: declared())
    elif words[0] == "logs":
        provide(monkeypatch)
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("verb", ["status", "verify", "logs"])
def test_without_a_lock(verb: str) -> None:
    """Before the first `up` there is nothing to look at, and the message says which command changes that."""
    result = run(verb)
    assert result.exit_code == 2
    assert "next: pointsman up --env dev" in result.stderr


@pytest.mark.parametrize("words", [("status",), ("logs",), ("down", "--volumes")])
def test_an_engine_that_is_not_there(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """The world is not reachable: code 3, with the engine's address."""
    from tests.unit.verify.doubles import declared

    monkeypatch.setattr("pointsman.declared.declared", lambda environment: declared())
    result = run(*words)
    assert result.exit_code == 3
    assert NOWHERE in result.stderr


@pytest.mark.parametrize("verb", ["preflight", "verify"])
@pytest.mark.parametrize(("report", "code"), [(Report((GOOD,)), 0), (Report((GOOD, BAD)), 1)])
def test_a_fault_is_code_1(verb: str, report: Report, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed check shows what was seen, what was expected and what to do; brackets in it are no markup."""
    provide(monkeypatch, report=report)
    result = run(verb)
    assert result.exit_code == code
    assert ("connection refused [now]" in result.stdout) is bool(code)
    assert ("next: docker logs" in result.stdout) is bool(code)


def test_an_error_shows_evidence_and_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Message, detail and remedy of any fault reach the user as they are."""

    def fail(environment: str) -> None:
        raise PointsmanError("[loki] died", detail="its last lines:\n[error] no", remedy="docker logs loki")

    monkeypatch.setattr("pointsman.declared.declared", fail)
    result = run("status")
    assert result.exit_code == 1
    assert result.stderr == "✗ [loki] died\nits last lines:\n[error] no\nnext: docker logs loki\n"


def test_status_of_a_missing_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """One service that does not run is code 1, and its row says so."""
    provide(monkeypatch)
    result = run("status")
    assert result.exit_code == 1
    assert "missing" in result.stdout
    assert "64 of 512 MiB" in result.stdout


def test_spec_check() -> None:
    """A good spec is said to be good; a wrong one gets a line for each mistake, with its place."""
    assert run("spec", "check").stdout == "✓ stacks/dev.yaml is good\n"
    told = run("spec", "check", "--env", "wrong").stderr
    for place in ("stacks/wrong.yaml:2:3", "stacks/wrong.yaml:3:19", "stacks/wrong.yaml:4:15"):
        assert place in told


def test_spec_show(place: Path) -> None:
    """As it was written; or with every default, which reads back to the same spec."""
    text = (place / "stacks/dev.yaml").read_text()
    assert run("spec", "show").stdout == text
    resolved = run("spec", "show", "--resolved").stdout
    assert parse(resolved, "dev.yaml") == parse(text, "dev.yaml")
    assert "    memory: 512MiB  # default" in resolved
    assert "  retention: 3d\n" in resolved


def test_spec_schema() -> None:
    """Editors get the schema of specs."""
    assert json.loads(run("spec", "schema").stdout) == json_schema()


def test_the_variable_chooses_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """POINTSMAN_ENVIRONMENT stands in for --env, which wins over it."""
    monkeypatch.setenv("POINTSMAN_ENVIRONMENT", "wrong")
    assert run("spec", "check").exit_code == 2
    assert run("spec", "check", "--env", "dev").exit_code == 0


def test_env_can_be_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values with blanks are quoted for the shell."""
    provide(monkeypatch)
    assert run("env").stdout == "export PULUMI_HOME='/a b'\nexport PATH=/usr/bin\n"


def test_a_root_that_is_no_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variable is named with its value, since it is what must be mended."""
    monkeypatch.setenv("POINTSMAN_ROOT", str(tmp_path / "none"))
    result = run("spec", "check")
    assert result.exit_code == 2
    assert f"POINTSMAN_ROOT is {tmp_path / 'none'}, which is no Pointsman checkout" in result.stderr
