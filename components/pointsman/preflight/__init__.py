"""Preflight: whether this machine can take an environment, asked before anything is touched."""

from pointsman.preflight.locks import release_dead_locks
from pointsman.preflight.run import run

__all__ = ["release_dead_locks", "run"]
