"""Benchmarks measure on estates like those of the deployed tests, and print."""

from tests.deployed.conftest import engine, new_clone, new_estate

__all__ = ["engine", "new_clone", "new_estate"]
