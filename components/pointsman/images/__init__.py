"""Images of the services: pulled from a registry or built from packages, pinned for each environment."""

from pointsman.images.housekeeping import Row, prune, rows
from pointsman.images.resolve import LOG_AGENT, ImageRef, Resolution, ensure, locked, required_services
from pointsman.images.tools import build

__all__ = [
    "LOG_AGENT",
    "ImageRef",
    "Resolution",
    "Row",
    "build",
    "ensure",
    "locked",
    "prune",
    "required_services",
    "rows",
]
