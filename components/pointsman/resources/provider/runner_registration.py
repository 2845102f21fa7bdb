"""`pointsman:index:RunnerRegistration`: a host's runner, registered at GitHub, online, with its labels.

githubkit and Ansible are imported by the first call that needs them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointsman.errors import PointsmanError
from pointsman.resources.provider.host_play import RunPlay, run, seen_machine
from pointsman.resources.provider.kinds import Change, Failure, Operation, Props
from pointsman.resources.provider.machines import Machines, Memo

if TYPE_CHECKING:
    from pointsman.github import GitHub
    from pointsman.github.model import Runner
    from pointsman.resources.provider.registering import Registering

Connect = Callable[[Props], AbstractContextManager["GitHub"]]
MODES = ("persistent", "ephemeral")
# Another of these is another registration, and a host has one at a time.
IDENTITY = ("environment", "host", "url", "name", "mode")


def connect(inputs: Props) -> AbstractContextManager[GitHub]:
    """A client of what the runner belongs to, with the token that the inputs name and do not hold."""
    from pointsman import github

    token: Props = inputs["token"]
    file = Path(token["file"]).expanduser() if token.get("file") else None
    scope = github.Scope.parse(inputs["url"], inputs.get("apiUrl", ""))
    return github.connect(scope, github.read_token(file, token.get("environment", "")))


class RunnerRegistrationKind:
    """Registers, labels, drains and removes a runner.

    Inputs: `environment`, `host`, `variables` of its plays, `url` of the repository or organisation, `apiUrl` where
    it is at no usual place, `token` (`{file}` or `{environment}`), `name`, `labels`, `routingLabel` (set once,
    when no other runner has it; never looked at again), `mode`, `drainSeconds`, `machine`, `installed` (HostPlay's
    `machineId`).
    Outputs: `runnerId`, `machineId`.
    """

    def __init__(self, machines: Machines | None = None, play: RunPlay = run, connect: Connect = connect) -> None:
        self._machines = machines or Machines()
        self._play = play
        self._connect = connect
        self._runners: Memo[tuple[Runner, ...]] = Memo()

    def check(self, inputs: Props) -> list[Failure]:
        """The token is named in one way, the mode is known; what is not known yet is let pass."""
        failures = []
        token = inputs.get("token", {"environment": "x"})
        if len([value for value in token.values() if value]) != 1 or not {*token} <= {"file", "environment"}:
            failures.append(Failure("token", "expected either file or environment, which say where the token is"))
        if inputs.get("mode", MODES[0]) not in MODES:
            failures.append(Failure("mode", f"{inputs['mode']!r}: expected {' or '.join(MODES)}"))
        return failures

    def diff(self, old_inputs: Props, state: Props, inputs: Props) -> Change:
        """Labels are changed in place; another name, place or mode is another registration; the rest is no change."""
        if other := tuple(key for key in IDENTITY if old_inputs.get(key) != inputs.get(key)):
            return Change(other, replace=True, delete_first=True)
        changed = []
        if _folded(state.get("labels", [])) != _folded(inputs.get("labels", [])):
            changed.append("labels")
        if old_inputs.get("machine") != inputs.get("machine"):
            changed.append("machine")
        # In a preview, what a play will find is not known, and is most often what it was.
        installed = inputs.get("installed", "")
        if not state.get("machineId") or (installed and installed != state["machineId"]):
            changed.append("machineId")
        return Change(tuple(changed))

    def create(self, inputs: Props, operation: Operation) -> tuple[str, dict[str, Any]]:
        """Registers the host; one that is this registration already is taken over."""
        with self._connect(inputs) as github:
            runner = self._registering(github, operation).register(inputs, previous=0)
        return f"{inputs['url']}/{inputs['name']}", self._outputs(inputs, runner.id)

    def update(self, state: Props, inputs: Props, operation: Operation) -> dict[str, Any]:
        """Makes the labels right; a host that was made anew is registered again."""
        with self._connect(inputs) as github:
            registering = self._registering(github, operation)
            if _on_the_same_machine(state, inputs) and registering.relabel(inputs, state["runnerId"]):
                return {"runnerId": state["runnerId"], "machineId": state["machineId"]}
            runner = registering.register(inputs, previous=state["runnerId"])
        return self._outputs(inputs, runner.id)

    def read(self, state: Props, operation: Operation) -> dict[str, Any] | None:
        """The runner as GitHub knows it; None when it does not. While GitHub is down, what was known is kept."""
        from pointsman.github.errors import GitHubDown, RateLimited

        try:
            known = self._runners.get((state["url"], state.get("apiUrl", "")), lambda: self._all(state))
        except (GitHubDown, RateLimited) as error:
            operation.warn(f"runner {state['name']} is taken to be as it was: {error}")
            return {}
        runner = next((each for each in known if each.id == state["runnerId"]), None)
        if runner is None:
            return None
        routing = str(state.get("routingLabel", "")).lower()
        labels = [each.name for each in runner.labels if each.custom and each.name.lower() != routing]
        # As they are written, where they are the same: GitHub may keep another case and order.
        kept = state["labels"] if _folded(labels) == _folded(state["labels"]) else sorted(labels)
        return {"labels": kept, **seen_machine(self._machines, state, operation)}

    def delete(self, state: Props, operation: Operation) -> None:
        """Lets no new job in, waits for the one that runs, and takes the runner off GitHub, also with a dead host."""
        with self._connect(state) as github:
            self._registering(github, operation).remove(state)

    def _registering(self, github: GitHub, operation: Operation) -> Registering:
        from pointsman.resources.provider.registering import Registering

        self._runners.forget()
        return Registering(github.runners, self._machines, self._play, operation)

    def _all(self, state: Props) -> tuple[Runner, ...]:
        with self._connect(state) as github:
            return github.runners.all()

    def _outputs(self, inputs: Props, runner_id: int) -> dict[str, Any]:
        try:
            machine = self._machines.identity(inputs)
        except PointsmanError:
            # Registered all the same: the next refresh looks again.
            machine = str(inputs.get("installed", ""))
        return {"runnerId": runner_id, "machineId": machine}


def _folded(labels: list[str]) -> frozenset[str]:
    return frozenset(label.lower() for label in labels)


def _on_the_same_machine(state: Props, inputs: Props) -> bool:
    """Whether nothing tells of another machine, without a look at it: labels are changed while a host is down, too."""
    machine = state.get("machineId", "")
    return bool(machine) and state["machine"] == inputs["machine"] and inputs.get("installed") in ("", None, machine)
