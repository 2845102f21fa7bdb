"""The topology of an environment: by its spec alone, or with the images that it has."""

from __future__ import annotations

from pointsman.images.locked import locked
from pointsman.services.estate import compose
from pointsman.services.flows import Topology, topology
from pointsman.services.log_agent import Agent
from pointsman.services.model import Machine
from pointsman.spec.reader import read_environment


def as_declared(environment: str) -> Topology:
    """What the spec wants, every image given: the same on every machine. Raises UsageError for a wrong spec."""
    spec = read_environment(environment)
    agent: Agent = "promtail" if spec.log_agent.kind == "promtail" else "alloy"
    return topology(compose(environment, spec, agent, Machine()), spec)


def as_locked(environment: str) -> Topology:
    """What the environment's images allow; raises UsageError when it has none yet."""
    spec = read_environment(environment)
    images = locked(environment, spec)
    return topology(compose(environment, spec, images.agent, Machine(), images.absent), spec)


def rows(found: Topology) -> list[dict[str, str]]:
    """A row for each flow."""
    return [
        {"from": flow.source, "signal": str(flow.signal), "to": flow.to, "how": flow.how, "about": _about(flow.own)}
        for flow in found.flows
    ]


def _about(own: bool) -> str:
    return "itself" if own else ""
