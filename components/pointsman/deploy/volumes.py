"""Taking an environment's data away on request."""

from __future__ import annotations

from pointsman.services import labels
from pointsman.targets.docker.engine import connect


def remove_volumes(estate: str, environment: str) -> list[str]:
    """Removes every volume that carries the environment's labels; returns their names."""
    wanted = [f"{labels.ESTATE}={estate}", f"{labels.ENVIRONMENT}={environment}"]
    with connect() as client:
        found = [row["Name"] for row in client.volumes(filters={"label": wanted})["Volumes"] or []]
        for name in found:
            client.remove_volume(name)
    return sorted(found)
