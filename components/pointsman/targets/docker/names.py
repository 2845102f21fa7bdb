"""The names and labels of what the Docker target makes: derived from estate, environment and service alone.

No path of a checkout is in them, so that a second clone of the repository sees the same estate unchanged.
"""

from __future__ import annotations

from pointsman.services import labels


def network(environment: str) -> str:
    """The environment's own network."""
    return f"pointsman-{environment}"


def container(environment: str, service: str) -> str:
    """A service's container."""
    return f"pointsman-{environment}-{service}"


def config_volume(environment: str, service: str) -> str:
    """The volume that holds the releases of a service's config."""
    return f"pointsman-{environment}-{service}-config"


def data_volume(environment: str, service: str) -> str:
    """The volume that holds a service's data; it outlives a destroy."""
    return f"pointsman-{environment}-{service}-data"


def label_set(estate: str, environment: str, service: str | None = None) -> dict[str, str]:
    """The labels that tell whose a resource is."""
    found = {labels.ESTATE: estate, labels.ENVIRONMENT: environment}
    return found | {labels.SERVICE: service} if service else found
