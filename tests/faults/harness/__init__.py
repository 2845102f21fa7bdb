"""Faults that are injected into an estate, and undone whatever becomes of the process that injected them."""

from tests.faults.harness.faults import Fault, described
from tests.faults.harness.harness import Harness, recover
from tests.faults.harness.place import NotVerifiable, Place

__all__ = ["Fault", "Harness", "NotVerifiable", "Place", "described", "recover"]
