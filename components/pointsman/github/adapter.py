"""The adapter of the port over githubkit: runners, secrets, and the whole."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

from pointsman.errors import UsageError
from pointsman.github import calls, readings
from pointsman.github.calls import Call, Right
from pointsman.github.errors import NotFound
from pointsman.github.model import JitRunner, RateLimit, Runner, RunnerGroup, RunnerLabel, SecretInfo, Token
from pointsman.github.patience import Clock, Patience
from pointsman.github.port import DEFAULT_GROUP, WORK_FOLDER
from pointsman.github.repository import RepositoryIssues, RepositoryWorkflows
from pointsman.github.scope import Repository, Scope
from pointsman.github.secret import Secret
from pointsman.github.wire import ANSWER_SECONDS, API_VERSION, Wire

T = TypeVar("T")


class _Level:
    """Operations that are there twice, for repositories and for organisations, under names that differ in a word."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        of = wire.scope.of
        self._word = "repo" if isinstance(of, Repository) else "org"
        self._owner: tuple[str, ...] = (of.owner, of.name) if isinstance(of, Repository) else (of.name,)

    def _ask(self, call: Call, operation: str, *path: str | int, **arguments: Any) -> Any:
        return self._wire.ask(call, self._named(operation), *self._owner, *path, **arguments)

    def _read(self, call: Call, read: Callable[[Any], T], operation: str, *path: str | int, **arguments: Any) -> T:
        return self._wire.read(call, read, self._ask(call, operation, *path, **arguments))

    def _pages(self, call: Call, read: Callable[[Any], T], key: str, operation: str, **arguments: Any) -> tuple[T, ...]:
        return self._wire.pages(call, read, key, self._named(operation), *self._owner, **arguments)

    def _named(self, operation: str) -> str:
        return f"actions.{operation.format(self._word)}"

    def _call(self, doing: str, right: Right, repeatable: bool = True) -> Call:
        return Call(f"{doing} of {self._wire.scope}", right, repeatable)


class LevelRunners(_Level):
    """The runners of the scope."""

    def all(self, name: str = "") -> tuple[Runner, ...]:
        """Every runner; the server's filter by name is checked here too, since GitHub compares without case."""
        wanted = {"name": name} if name else {}
        call = self._call("list the runners", calls.READ_RUNNERS)
        found = self._pages(call, readings.runner, "runners", "list_self_hosted_runners_for_{}", **wanted)
        return tuple(runner for runner in found if not name or runner.name == name)

    def one(self, runner_id: int) -> Runner:
        """The runner of that id."""
        call = self._call(f"look at runner {runner_id}", calls.READ_RUNNERS)
        return self._read(call, readings.runner, "get_self_hosted_runner_for_{}", runner_id)

    def named(self, name: str) -> Runner | None:
        """The runner of that exact name, or None."""
        return next(iter(self.all(name)), None)

    def remove(self, runner_id: int) -> bool:
        """Removes it; False when it was gone already."""
        call = self._call(f"remove runner {runner_id}", calls.WRITE_RUNNERS)
        try:
            self._ask(call, "delete_self_hosted_runner_from_{}", runner_id)
        except NotFound:
            # GitHub says 404 for a wrong repository too: only who can list the runners knows that this one is gone.
            self.all()
            return False
        return True

    def groups(self) -> tuple[RunnerGroup, ...]:
        """The groups of an organisation; of a repository the default one."""
        if self._wire.scope.repository:
            return (RunnerGroup(DEFAULT_GROUP, "Default", default=True),)
        call = self._call("list the runner groups", calls.READ_RUNNERS)
        return self._pages(call, readings.group, "runner_groups", "list_self_hosted_runner_groups_for_{}")

    def registration_token(self) -> Token:
        """A token for `config.sh`."""
        call = self._call("get a registration token for a runner", calls.WRITE_RUNNERS)
        return self._read(call, readings.token, "create_registration_token_for_{}")

    def remove_token(self) -> Token:
        """A token for `config.sh remove`."""
        call = self._call("get a remove token for a runner", calls.WRITE_RUNNERS)
        return self._read(call, readings.token, "create_remove_token_for_{}")

    def jit(
        self, name: str, labels: Collection[str], *, group_id: int = DEFAULT_GROUP, work_folder: str = WORK_FOLDER
    ) -> JitRunner:
        """A runner made in advance; not tried again when it may have been made, since its name is taken then."""
        call = self._call(f"make the configuration of runner {name}", calls.WRITE_RUNNERS, repeatable=False)
        asked = {"name": name, "runner_group_id": group_id, "labels": list(labels), "work_folder": work_folder}
        return self._read(call, readings.jit, "generate_runner_jitconfig_for_{}", data=asked)

    def labels(self, runner_id: int) -> tuple[RunnerLabel, ...]:
        """Its labels."""
        call = self._call(f"list the labels of runner {runner_id}", calls.READ_RUNNERS)
        return self._read(call, readings.labels, "list_labels_for_self_hosted_runner_for_{}", runner_id)

    def add_labels(self, runner_id: int, labels: Collection[str]) -> tuple[RunnerLabel, ...]:
        """Adds custom labels."""
        call = self._call(f"add labels to runner {runner_id}", calls.WRITE_RUNNERS)
        operation = "add_custom_labels_to_self_hosted_runner_for_{}"
        return self._read(call, readings.labels, operation, runner_id, data={"labels": list(labels)})

    def set_labels(self, runner_id: int, labels: Collection[str]) -> tuple[RunnerLabel, ...]:
        """Makes `labels` its custom labels."""
        call = self._call(f"set the labels of runner {runner_id}", calls.WRITE_RUNNERS)
        operation = "set_custom_labels_for_self_hosted_runner_for_{}"
        return self._read(call, readings.labels, operation, runner_id, data={"labels": list(labels)})

    def remove_label(self, runner_id: int, label: str) -> tuple[RunnerLabel, ...]:
        """Takes a custom label off, if it has it."""
        call = self._call(f"take label {label} off runner {runner_id}", calls.WRITE_RUNNERS)
        operation = "remove_custom_label_from_self_hosted_runner_for_{}"
        try:
            return self._read(call, readings.labels, operation, runner_id, quote(label, safe=""))
        except NotFound:
            left = self.labels(runner_id)
            if label.lower() in {each.name.lower() for each in left}:
                raise
            return left


class LevelSecrets(_Level):
    """The Actions secrets of the scope."""

    def all(self) -> tuple[SecretInfo, ...]:
        """Every secret's name and times."""
        return self._pages(
            self._call("list the secrets", calls.READ_SECRETS), readings.secret, "secrets", "list_{}_secrets"
        )

    def one(self, name: str) -> SecretInfo | None:
        """That secret's times, or None."""
        call = self._call(f"look at secret {name}", calls.READ_SECRETS)
        try:
            return self._read(call, readings.secret, "get_{}_secret", name)
        except NotFound:
            # A wrong repository is 404 too, and is not "no such secret".
            self._ask(self._call("list the secrets", calls.READ_SECRETS), "list_{}_secrets", per_page=1)
            return None

    def put(self, name: str, value: Secret) -> bool:
        """Sets it; an organisation's new secret is for its private repositories, GitHub's own default."""
        call = self._call(f"set secret {name}", calls.WRITE_SECRETS)
        key = self._ask(self._call("get the public key for secrets", calls.READ_SECRETS), "get_{}_public_key")
        sealed = self._wire.read(
            call, lambda got: {"encrypted_value": seal(value, got["key"]), "key_id": got["key_id"]}, key
        )
        more = {} if self._wire.scope.repository else {"visibility": "private"}
        operation = self._named("create_or_update_{}_secret")
        status, _ = self._wire.answered(call, operation, *self._owner, name, data=sealed | more)
        return status == 201

    def remove(self, name: str) -> bool:
        """Removes it; False when it was gone already."""
        if self.one(name) is None:
            return False
        self._ask(self._call(f"remove secret {name}", calls.WRITE_SECRETS), "delete_{}_secret", name)
        return True


class GitHubClient:
    """GitHub over githubkit, seen from one repository or organisation. `repr` shows no token."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.runners = LevelRunners(wire)
        self.secrets = LevelSecrets(wire)

    def __repr__(self) -> str:
        return f"GitHubClient({self.scope.url})"

    @property
    def scope(self) -> Scope:
        """What runners and secrets belong to."""
        return self._wire.scope

    def workflows(self, repository: str = "") -> RepositoryWorkflows:
        """The runs of one repository."""
        return RepositoryWorkflows(self._wire, self._repository(repository))

    def issues(self, repository: str = "") -> RepositoryIssues:
        """The issues of one repository."""
        return RepositoryIssues(self._wire, self._repository(repository))

    def rate_limits(self) -> Mapping[str, RateLimit]:
        """What is left of each budget of requests."""
        call = Call("ask for the rate limit", calls.ANY)
        return self._wire.read(call, readings.rate_limits, self._wire.ask(call, "rate_limit.get"))

    def answer_headers(self) -> Mapping[str, str]:
        """The headers of a request that costs nothing: they tell the token's scopes and when it expires."""
        return self._wire.whole(Call("check the token", calls.ANY), "rate_limit.get")[2]

    def close(self) -> None:
        """Closes the connections."""
        self._wire.close()

    def __enter__(self) -> GitHubClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _repository(self, text: str) -> Repository:
        if text:
            return Repository.parse(text)
        if self.scope.repository is None:
            raise UsageError(
                f"{self.scope} is an organisation: runs and issues belong to a repository",
                remedy="name one: OWNER/REPOSITORY",
            )
        return self.scope.repository


def connect(
    scope: Scope,
    token: Secret,
    *,
    patience: Patience | None = None,
    clock: Clock | None = None,
    api_version: str = API_VERSION,
    seconds: float = ANSWER_SECONDS,
    keeps: bool = False,
) -> GitHubClient:
    """A client for `scope` with `token`; nothing is asked yet. Close it, or use it in a `with`.

    `seconds` is how long one answer may take; `api_version` goes into `X-GitHub-Api-Version` (an older GitHub
    Enterprise Server may know 2022-11-28 only). `keeps` is for who asks the same again and again: an answer is kept
    with its ETag, and asking again costs nothing of the rate limit while it is the same.
    """
    return GitHubClient(Wire(token, scope, patience or Patience(), clock or Clock(), api_version, seconds, keeps))


def seal(value: Secret, key: str) -> str:
    """`value` so that only the holder of the private key of `key` (base64, Curve25519) reads it: a sealed box."""
    from nacl.encoding import Base64Encoder
    from nacl.public import PublicKey, SealedBox

    box = SealedBox(PublicKey(key.encode(), Base64Encoder))
    return b64encode(box.encrypt(value.reveal().encode())).decode()
