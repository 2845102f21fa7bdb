"""Making a service take the release in force, and the proof that it did."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from pointsman.deadline import Deadline
from pointsman.errors import PointsmanError
from pointsman.http_client import new_client, worded
from pointsman.resources.provider.kinds import Cancellation
from pointsman.resources.provider.waiting import POLL_SECONDS, until_ready
from pointsman.targets.docker.container import STOP_SECONDS
from pointsman.targets.docker.engine import last_lines

if TYPE_CHECKING:
    from docker import APIClient

PROOF_SECONDS = 30


class Place(Protocol):
    """Where a release lies and who reads it."""

    @property
    def volume(self) -> str: ...  # noqa: D102
    @property
    def directory(self) -> str: ...  # noqa: D102
    @property
    def image(self) -> str: ...  # noqa: D102
    @property
    def user(self) -> int: ...  # noqa: D102


@dataclass(frozen=True)
class Loader:
    """How one running service takes a config: by HTTP reload, or by a restart of the same container."""

    client: APIClient
    container: str
    base_url: str
    ready_path: str
    reload: dict[str, str]
    cancellation: Cancellation

    def load(self) -> None:
        """Reloads or restarts, and returns when the service says that it runs on the new files.

        Raises PointsmanError with what the service answered when it refuses them.
        """
        if self.reload["kind"] == "http":
            self._reload()
        else:
            self._restart()

    def until_read(self, metric: str, files: list[str], written: int) -> None:
        """Returns when the service has read each of the files that it watches, as `metric` tells.

        Raises PointsmanError with the files that it did not read.
        """
        deadline = Deadline.within(PROOF_SECONDS)
        names = {f'{metric}{{filename="{file}"}}' for file in files}
        while not deadline.passed:
            read = self._metrics(names)
            if all(read.get(name, 0) >= written for name in names):
                return
            self.cancellation.sleep(POLL_SECONDS)
        late = sorted(name for name in names if read.get(name, 0) < written)
        raise PointsmanError(f"{self.container} did not read its files within {PROOF_SECONDS} s: {late}")

    def _reload(self) -> None:
        import httpx

        before = time.time()
        try:
            with new_client() as client:
                response = client.post(f"{self.base_url}{self.reload['path']}", timeout=PROOF_SECONDS)
        except httpx.HTTPError as error:
            raise PointsmanError(f"{self.container} cannot be told to reload: {worded(error)}") from error
        if response.status_code != httpx.codes.OK:
            raise PointsmanError(
                f"{self.container} refuses its config", detail=response.text.strip(), remedy="mend the spec"
            )
        deadline = Deadline.within(PROOF_SECONDS)
        while not deadline.passed:
            found = self._metrics({self.reload["succeeded"], self.reload["at"]})
            # The service's clock is the machine's; its time stamp may be cut to whole seconds.
            if found.get(self.reload["succeeded"]) == 1 and found.get(self.reload["at"], 0) >= int(before):
                return
            self.cancellation.sleep(POLL_SECONDS)
        raise PointsmanError(
            f"{self.container} accepted the reload but did not load within {PROOF_SECONDS} s",
            detail=f"{self.reload['succeeded']} = {found.get(self.reload['succeeded'])}",
        )

    def _restart(self) -> None:
        before = datetime.now(UTC)
        self.client.restart(self.container, timeout=_stop_seconds(self.client, self.container))
        url = f"{self.base_url}{self.ready_path}"
        until_ready(self.client, self.container, url, PROOF_SECONDS, self.cancellation, since=before)

    def _metrics(self, names: set[str]) -> dict[str, float]:
        import httpx

        try:
            with new_client() as client:
                return samples(client.get(f"{self.base_url}/metrics").text, names)
        except httpx.HTTPError:
            return {}


def _stop_seconds(client: APIClient, container: str) -> int:
    """What the container was made with; for a restart the client would send a number of its own."""
    return int(client.inspect_container(container)["Config"].get("StopTimeout") or STOP_SECONDS)


def samples(exposition: str, names: set[str]) -> dict[str, float]:
    """The values of the series in a Prometheus text exposition that are written exactly as in `names`."""
    found: dict[str, float] = {}
    for line in exposition.splitlines():
        name, _, value = line.rpartition(" ")
        if name in names:
            found[name] = float(value)
    return found


def validate(client: APIClient, command: list[str], name: str, place: Place, labels: dict[str, str]) -> None:
    """Runs the service's own validator over a written release, in a container `name` without network or rights.

    Raises PointsmanError with what the validator printed.
    """
    host_config: Any = client.create_host_config(
        binds=[f"{place.volume}:{place.directory}:ro"],
        network_mode="none",
        cap_drop=["ALL"],
        read_only=True,
        tmpfs={"/tmp": ""},
    )
    user = f"{place.user}:{place.user}"
    client.create_container(
        place.image, command[1:], entrypoint=command[:1], name=name, user=user, labels=labels, host_config=host_config
    )
    try:
        client.start(name)
        code = client.wait(name, timeout=PROOF_SECONDS)["StatusCode"]
        printed = last_lines(client, name, count=20)
    finally:
        client.remove_container(name, force=True)
    if code != 0:
        raise PointsmanError(
            f"the config is refused by {command[0].rpartition('/')[2]}; nothing was applied",
            detail=printed,
            remedy="mend the part of the spec that it names, then run the same command again",
        )
