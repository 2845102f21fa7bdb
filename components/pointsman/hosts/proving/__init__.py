"""Proof that hosts are what plays make of them: looked at over SSH, from outside, and where their signals arrive.

    report = prove(declared("dev"), ["runner-1"])

The same suite runs in the tests of deployed environments. testinfra is imported when a host is looked at, not before.
"""

from __future__ import annotations

from pointsman.hosts.proving.running import prove
from pointsman.hosts.proving.suite import CHECKS

__all__ = ["CHECKS", "prove"]
