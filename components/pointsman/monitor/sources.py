"""Where the monitor finds runs: one source a place."""

from __future__ import annotations

from pointsman.monitor.settings import Settings
from pointsman.runs.github import GitHubSource
from pointsman.runs.opening import opened
from pointsman.runs.source import RunSource


def sources(settings: Settings) -> list[RunSource]:
    """All that the settings name; nothing is connected yet. Raises UsageError for a mapping that cannot be used, or
    for an address that names no repository."""
    declared = settings.spec.github
    actions = [GitHubSource(declared)] if declared is not None else []
    return [opened(settings.spec.store, settings.base), *actions]
