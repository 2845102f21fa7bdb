"""`pointsman:index:Readiness`: a container is only made when it was seen working from outside."""

from __future__ import annotations

from typing import Any

from pointsman.resources.provider.kinds import Cancellation, Change, Failure, Props
from pointsman.resources.provider.waiting import until_ready
from pointsman.targets.docker.engine import connect


class ReadinessKind:
    """Waits for a container's URL at creation and whenever the container was replaced.

    Inputs: `container` and `containerId`, `url` (empty: it must stay up), `timeout` in seconds.
    Output: `seconds`, how long it took.
    """

    def check(self, inputs: Props) -> list[Failure]:
        """A time-out must be above zero; one that is not known yet is let pass."""
        timeout = inputs.get("timeout", 1)
        if isinstance(timeout, int | float) and timeout > 0:
            return []
        return [Failure("timeout", f"{timeout!r}: expected a number of seconds above zero")]

    def diff(self, old_inputs: Props, state: Props, inputs: Props) -> Change:
        """Any change, foremost that of the container's id, is waited for again."""
        keys = ("container", "containerId", "url", "timeout")
        return Change(tuple(key for key in keys if old_inputs.get(key) != inputs.get(key)))

    def create(self, inputs: Props, cancellation: Cancellation) -> tuple[str, dict[str, Any]]:
        """Waits."""
        return str(inputs["container"]), self._wait(inputs, cancellation)

    def update(self, state: Props, inputs: Props, cancellation: Cancellation) -> dict[str, Any]:
        """Waits again."""
        return self._wait(inputs, cancellation)

    def read(self, state: Props, cancellation: Cancellation) -> dict[str, Any] | None:
        """A proof once made stays made; that the service still works is for `verify` to say."""
        return {}

    def delete(self, state: Props, cancellation: Cancellation) -> None:
        """There is nothing to remove."""

    def _wait(self, inputs: Props, cancellation: Cancellation) -> dict[str, Any]:
        with connect() as client:
            seconds = until_ready(
                client, inputs["container"], inputs.get("url", ""), float(inputs["timeout"]), cancellation
            )
        return {"seconds": round(seconds, 2)}
