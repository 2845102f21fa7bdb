"""`pointsman:index:HostPlay`: a host that a play has made what the inventory says.

Nothing of Ansible or Docker is imported before a play runs or a host is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pointsman.errors import PointsmanError
from pointsman.resources.provider.kinds import Change, Failure, Operation, Props
from pointsman.resources.provider.machines import Machines

if TYPE_CHECKING:
    from pointsman.plays import Outcome, Play

# How a host is reached: no play makes anything of it.
WAY_IN = "ansible_"
REMOVAL = "remove"
REMOVAL_SECONDS = 60.0

RunPlay = Callable[["Play", Operation, float], "Outcome"]


def run(play: Play, operation: Operation, seconds: float) -> Outcome:
    """Runs a play, and tells the engine each task."""
    from pointsman.plays import run_play

    return run_play(play, on_task=lambda task: operation.tell(str(task)), cancellation=operation, timeout=seconds)


class HostPlayKind:
    """Plays again when the tree of plays, a variable or the machine is another; the way in is no reason.

    Inputs: `environment`, `host`, `playbook`, `tree`, `variables` (no secret among them), `machine` (the container that
    the host is, empty for a machine), `timeout` in seconds. Outputs: `machineId`, empty as soon as the machine is
    another than the one that was played on, and `changed`, the tasks that changed something.
    """

    def __init__(self, machines: Machines | None = None, play: RunPlay = run) -> None:
        self._machines = machines or Machines()
        self._play = play

    def check(self, inputs: Props) -> list[Failure]:
        """A host needs a name, a play some time; what is not known yet is let pass."""
        failures = []
        timeout = inputs.get("timeout", 1)
        if not isinstance(timeout, int | float) or timeout <= 0:
            failures.append(Failure("timeout", f"{timeout!r}: expected a number of seconds above zero"))
        if inputs.get("host", "x") == "":
            failures.append(Failure("host", "empty: expected a host of the inventory"))
        return failures

    def diff(self, old_inputs: Props, state: Props, inputs: Props) -> Change:
        """What a play would make different, variable by variable; another host is another resource."""
        moved = tuple(key for key in ("environment", "host") if old_inputs.get(key) != inputs.get(key))
        if moved:
            return Change(moved, replace=True)
        changed = [key for key in ("playbook", "tree", "machine") if old_inputs.get(key) != inputs.get(key)]
        changed += variable_changes(old_inputs, inputs)
        if not state.get("machineId"):
            changed.append("machineId")
        return Change(tuple(changed))

    def create(self, inputs: Props, operation: Operation) -> tuple[str, dict[str, Any]]:
        """Plays; a run that was killed is played again."""
        return f"{inputs['environment']}/{inputs['host']}", self._run(inputs, operation)

    def update(self, state: Props, inputs: Props, operation: Operation) -> dict[str, Any]:
        """Plays again."""
        return self._run(inputs, operation)

    def read(self, state: Props, operation: Operation) -> dict[str, Any] | None:
        """Whether it is still the machine that was played on; one that does not answer is taken to be."""
        return seen_machine(self._machines, state, operation)

    def delete(self, state: Props, operation: Operation) -> None:
        """Takes off a machine what was put on it, within a minute; a container goes anyway, a dead host has gone."""
        if state["machine"]:
            return
        from pointsman.plays.running import is_out_of_reach

        try:
            self._play(play_of(state, REMOVAL, alone=True), operation, REMOVAL_SECONDS)
        except PointsmanError as error:
            if not is_out_of_reach(error):
                raise
            operation.warn(f"what was installed stays on the host: {error.message}")

    def _run(self, inputs: Props, operation: Operation) -> dict[str, Any]:
        operation.tell(f"{inputs['host']}: waits for its turn")
        self._machines.first_boot(inputs, operation)
        outcome = self._play(play_of(inputs, inputs["playbook"]), operation, float(inputs["timeout"]))
        return {"machineId": self._machines.identity(inputs), "changed": list(outcome.changed_tasks)}


def play_of(inputs: Props, playbook: str, *, alone: bool = False, secrets: Props | None = None) -> Play:
    """The play of a resource's host; `alone` where the inventory may not have the host any more."""
    from pointsman.plays import Play

    return Play(
        environment=inputs["environment"],
        playbook=playbook,
        host=inputs["host"],
        variables=inputs["variables"],
        secrets=secrets or {},
        machine=inputs["machine"],
        alone=alone,
    )


def variable_changes(old_inputs: Props, inputs: Props) -> list[str]:
    """The paths of the variables that differ, those of the way in apart."""
    old, new = old_inputs.get("variables", {}), inputs.get("variables", {})
    names = sorted(name for name in {*old, *new} if not name.startswith(WAY_IN))
    return [f'variables["{name}"]' for name in names if old.get(name) != new.get(name)]


def seen_machine(machines: Machines, state: Props, operation: Operation) -> dict[str, Any]:
    """`machineId` as it is to be read: empty when the machine is another; nothing new when it does not answer."""
    before = state.get("machineId", "")
    try:
        now = machines.identity(state)
    except PointsmanError as error:
        if state["machine"]:
            raise
        operation.warn(f"taken to be as it was, since it could not be looked at: {error}")
        return {}
    return {"machineId": before if now == before else ""}
