"""The labels that every container, volume and network of an estate carries."""

from __future__ import annotations

PREFIX = "dev.pointsman"
ESTATE = f"{PREFIX}.estate"
ENVIRONMENT = f"{PREFIX}.environment"
SERVICE = f"{PREFIX}.service"
HOST = f"{PREFIX}.host"
IMAGE = f"{PREFIX}.image"
FINGERPRINT = f"{PREFIX}.fingerprint"
