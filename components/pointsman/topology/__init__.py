"""What runs and how signals flow, as values, as rows and as a drawing."""

from pointsman.topology.drawn import as_declared, as_locked, rows
from pointsman.topology.svg import Health, draw

__all__ = ["Health", "as_declared", "as_locked", "draw", "rows"]
