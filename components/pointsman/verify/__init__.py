"""Proof that what runs is what the spec says, seen from outside."""

from pointsman.verify.proof import DEADLINE_SECONDS, run

__all__ = ["DEADLINE_SECONDS", "run"]
