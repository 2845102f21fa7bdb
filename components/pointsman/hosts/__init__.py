"""The runner hosts of an environment: what its spec and its inventory together make of each of them."""

from __future__ import annotations

from pointsman.hosts.fleet import fleet_of
from pointsman.hosts.planning import HostPlan, plans

__all__ = ["HostPlan", "fleet_of", "plans"]
