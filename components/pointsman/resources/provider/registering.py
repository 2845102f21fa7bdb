"""The steps of registering and removing a runner, each repeatable: on GitHub, and by plays on its host."""

from __future__ import annotations

from dataclasses import dataclass

from pointsman.deadline import Deadline
from pointsman.errors import PointsmanError
from pointsman.github.errors import NotFound, RunnerBusy
from pointsman.github.model import Runner
from pointsman.github.port import Runners
from pointsman.plays.running import is_out_of_reach
from pointsman.resources.provider.host_play import RunPlay, play_of
from pointsman.resources.provider.kinds import Operation, Props
from pointsman.resources.provider.machines import RUNNER, Configured, Machines

REGISTER = "register"
TOKEN = "POINTSMAN_RUNNER_TOKEN"
PLAY_SECONDS = 300.0
# How long GitHub may take to see that the job of a stopped runner is over.
BUSY_SECONDS = 20.0
ONLINE_SECONDS = 60.0
POLL_SECONDS = 2.0
DRAIN_POLL_SECONDS = 5.0


@dataclass(frozen=True)
class Registering:
    """One registration: GitHub's runners, the host, the plays, and who is told."""

    runners: Runners
    machines: Machines
    play: RunPlay
    operation: Operation

    def register(self, inputs: Props, previous: int) -> Runner:
        """The runner of the host, registered, labelled and online. `previous` is the id that this resource had, 0 for
        none.

        Raises PointsmanError when the name or the host is another's, and when it does not come online.
        """
        configured = self.machines.configured(inputs)
        if self._known(inputs, configured, previous) is None and configured:
            self.operation.tell(f"{inputs['host']}: forgets runner {configured.name}, which GitHub has forgotten")
            self.machines.forget(inputs, self.operation)
        token = self.runners.registration_token().value
        self.play(play_of(inputs, REGISTER, secrets={TOKEN: token.reveal()}), self.operation, PLAY_SECONDS)
        runner = self._online(inputs)
        self._route(inputs, runner)
        return self.relabel(inputs, runner.id) or runner

    def relabel(self, inputs: Props, runner_id: int) -> Runner | None:
        """The runner with exactly its labels, and the routing label if it has it; None when GitHub has forgotten it."""
        try:
            runner = self.runners.one(runner_id)
            routing = str(inputs.get("routingLabel", "")).lower()
            custom = {each.name.lower() for each in runner.labels if each.custom}
            kept = [each.name for each in runner.labels if each.custom and each.name.lower() == routing]
            wanted = [*inputs["labels"], *kept]
            if custom != {label.lower() for label in wanted}:
                self.operation.tell(f"{inputs['host']}: sets its labels")
                self.runners.set_labels(runner_id, wanted)
        except NotFound:
            return None
        return runner

    def remove(self, state: Props) -> None:
        """Takes the runner away: its labels first, so that no new job comes; then it, when its job has ended."""
        runner = self._one(state["runnerId"])
        if runner is not None:
            self._drain(state, runner)
        if not state["machine"]:
            self._off_the_host(state)
        if runner is not None:
            self._off_github(state, runner.id)

    def _known(self, inputs: Props, configured: Configured | None, previous: int) -> Runner | None:
        """GitHub's runner that the host is configured as; None where it is to be registered."""
        named = self.runners.named(inputs["name"])
        if named and configured and configured.id == named.id:
            return named
        if configured and (other := self._one(configured.id, inputs, configured)):
            raise PointsmanError(
                f"{inputs['host']} is configured already, as runner {other.name} of {inputs['url']}",
                remedy=f"give the host that name (runner_name in the inventory), or take it off:"
                f" on the host, sudo -u runner ./config.sh remove in {RUNNER}",
            )
        if configured and not _same(configured.url, inputs):
            raise PointsmanError(
                f"{inputs['host']} is configured already, as runner {configured.name} of {configured.url}",
                remedy=f"take it off there first: on the host, sudo -u runner ./config.sh remove in {RUNNER}",
            )
        if named and named.id == previous:
            self.operation.tell(f"{inputs['host']}: takes the registration of the machine before off GitHub")
            self.runners.remove(named.id)
        elif named:
            raise _taken(inputs, named)
        return None

    def _one(self, runner_id: int, inputs: Props | None = None, configured: Configured | None = None) -> Runner | None:
        """The runner of that id; None when GitHub has forgotten it, or when the host means another GitHub."""
        if inputs is not None and configured is not None and not _same(configured.url, inputs):
            return None
        try:
            return self.runners.one(runner_id)
        except NotFound:
            # A wrong repository is 404 too: who can list its runners knows that this one is gone.
            self.runners.all()
            return None

    def _online(self, inputs: Props) -> Runner:
        self.operation.tell(f"{inputs['host']}: waits until GitHub sees it online")
        deadline = Deadline.within(ONLINE_SECONDS)
        while True:
            runner = self.runners.named(inputs["name"])
            if runner and runner.online:
                return runner
            if deadline.passed:
                break
            self.operation.sleep(POLL_SECONDS)
        seen = f"says {runner.status}" if runner else "does not know it"
        raise PointsmanError(
            f"{inputs['host']}: runner {inputs['name']} is registered, but GitHub {seen} after {ONLINE_SECONDS:.0f} s",
            remedy="on the host: systemctl status actions-runner; journalctl -u actions-runner -n 50;"
            " then run the same command again: it goes on from there",
        )

    def _route(self, inputs: Props, runner: Runner) -> None:
        """Gives the routing label to the first who comes; who has it later is not decided here."""
        label = inputs.get("routingLabel", "")
        if label and not any(each.takes([label]) for each in self.runners.all()):
            self.operation.tell(f"{inputs['host']}: gets the label {label}")
            self.runners.add_labels(runner.id, [label])

    def _drain(self, state: Props, runner: Runner) -> None:
        deadline = Deadline.within(float(state["drainSeconds"]))
        try:
            self.runners.set_labels(runner.id, [])
            while runner.busy and not deadline.passed:
                self.operation.tell(f"{state['host']}: waits for its job, {deadline.left:.0f} s at most")
                self.operation.sleep(min(DRAIN_POLL_SECONDS, max(deadline.left, 0.1)))
                runner = self.runners.one(runner.id)
        except NotFound:
            return
        if runner.busy:
            self.operation.warn(
                f"{state['host']}: its job still ran after {float(state['drainSeconds']):.0f} s and is cut off"
            )

    def _off_the_host(self, state: Props) -> None:
        self.operation.tell(f"{state['host']}: forgets that it is a runner")
        try:
            self.machines.forget(state, self.operation)
        except PointsmanError as error:
            if not is_out_of_reach(error):
                raise
            self.operation.warn(f"the runner is taken off GitHub, and its files stay on the host: {error.message}")

    def _off_github(self, state: Props, runner_id: int) -> None:
        deadline = Deadline.within(BUSY_SECONDS)
        while True:
            try:
                self.runners.remove(runner_id)
                return
            except RunnerBusy as error:
                if deadline.passed:
                    self.operation.warn(
                        f"runner {state['name']} stays known to GitHub, without labels: {error.message}; GitHub forgets"
                        " it after 14 days offline"
                    )
                    return
            self.operation.sleep(POLL_SECONDS)


def _same(url: str, inputs: Props) -> bool:
    """Whether a host's files name the place that it is to be registered at, as the host reaches it or as we do."""
    places = {inputs["url"], inputs["variables"].get("pointsman_github_url", "")} - {""}
    return url.rstrip("/").lower() in {place.rstrip("/").lower() for place in places}


def _taken(inputs: Props, named: Runner) -> PointsmanError:
    return PointsmanError(
        f"{inputs['host']}: the name {inputs['name']} is taken at {inputs['url']} by a runner (id {named.id},"
        f" {named.status}) that is not this host",
        remedy="give this host another name (runner_name in the inventory), or, if that runner is no more, remove it:"
        f" {inputs['url']}/settings/actions/runners/{named.id}",
    )
