"""What killed runs left: it carries the environment's labels, and the state does not know it.

An `up` clears such things out of its way itself, one by one, by its hooks. A `down` has no program that could, and
would fail on a volume in use and a network that is not empty.
"""

from __future__ import annotations

from pointsman.deploy.variables import stack_file
from pointsman.preflight.locks import held
from pointsman.services import labels
from pointsman.targets.docker import names
from pointsman.targets.docker.engine import connect


def remove_before(estate: str, environment: str) -> list[str]:
    """Removes containers that the state does not know; none while a run holds the state, which may be making them."""
    if held(environment):
        return []
    state = stack_file(environment)
    known = state.read_text(encoding="utf-8") if state.is_file() else ""
    with connect() as client:
        rows = client.containers(all=True, filters={"label": _wanted(estate, environment)})
        strays = [row for row in rows if row["Id"] not in known]
        for row in strays:
            client.remove_container(row["Id"], force=True)
    return sorted(row["Names"][0].lstrip("/") for row in strays)


def remove_after(estate: str, environment: str) -> list[str]:
    """Removes networks and config volumes that are still there once everything that the state knew is gone."""
    filters = {"label": _wanted(estate, environment)}
    with connect() as client:
        networks = [row["Name"] for row in client.networks(filters=filters)]
        for name in networks:
            client.remove_network(name)
        volumes = [
            row["Name"]
            for row in client.volumes(filters=filters)["Volumes"] or []
            if row["Name"] == names.config_volume(environment, row["Labels"].get(labels.SERVICE, ""))
        ]
        for name in volumes:
            client.remove_volume(name)
    return sorted(networks + volumes)


def _wanted(estate: str, environment: str) -> list[str]:
    return [f"{labels.ESTATE}={estate}", f"{labels.ENVIRONMENT}={environment}"]
