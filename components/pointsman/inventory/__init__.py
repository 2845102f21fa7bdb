"""The hosts of an environment: inventory/<environment>/, resolved by Ansible's own managers and held to a typed model.

Importing this imports neither Ansible nor pydantic; an inventory that did not change is read without either.
"""

from __future__ import annotations

from pointsman.inventory.model import Group, Host, Inventory, Package, Runner
from pointsman.inventory.reading import has_inventory, inventories, read_folder, read_inventory

__all__ = [
    "Group",
    "Host",
    "Inventory",
    "Package",
    "Runner",
    "has_inventory",
    "inventories",
    "read_folder",
    "read_inventory",
]
