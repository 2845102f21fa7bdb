"""Benchmarks measure on estates like those of the deployed tests, and print."""

from tests.deployed.conftest import engine, images, new_clone, new_estate

__all__ = ["engine", "images", "new_clone", "new_estate"]
