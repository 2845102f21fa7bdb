"""What services written in Go are told of their memory."""

from __future__ import annotations

from collections.abc import Mapping

# Of the container's memory; the rest is for what the collector of garbage does not see: stacks, mapped files.
SHARE = 0.8


def soft_limit(memory: int) -> Mapping[str, str]:
    """The variables that make a Go program collect garbage harder before `memory` bytes are used up.

    Without them it lets its heap double before it collects, and the kernel ends it with memory that was free to take
    back. Prometheus does this by itself.
    """
    return {"GOMEMLIMIT": str(int(memory * SHARE))}
