"""Which readings there are, from the settings."""

from __future__ import annotations

import os
from pathlib import Path

from pointsman.metrics_page.families import Family, text
from pointsman.metrics_page.serving import PageServer
from pointsman.runner_exporter import clock, folders, jobs, service, version
from pointsman.runner_exporter.diag import Diag
from pointsman.runner_exporter.readings import Readings, Source
from pointsman.runner_exporter.settings import Settings, load

# Folders grow by gigabytes in minutes, and a count of a large one takes a minute.
FOLDERS_SECONDS = 300.0
# GitHub's patience with clocks is five minutes: a drift shows long before.
CLOCK_SECONDS = 300.0


def sources(settings: Settings) -> list[Source]:
    """The readings; those that may take long are not awaited."""
    diag = Diag(settings.diag_folder)
    counted = {"work": settings.work_folder, "diag": settings.diag_folder}

    def versions() -> list[Family]:
        return version.read(settings.program_folder, diag.version, settings.latest_version, settings.latest_released)

    return [
        Source("service", lambda: service.read(settings.unit)),
        Source("configured", lambda: version.configured(settings.program_folder)),
        Source("job", lambda: jobs.read(settings.unit)),
        Source("diag", lambda: [*diag.read(), *versions()]),
        Source("filesystem", lambda: folders.free({name: _there(path) for name, path in counted.items()})),
        Source("folders", lambda: folders.used(counted), keep=FOLDERS_SECONDS, awaited=False),
        Source("clock", lambda: clock.read(settings.github_url), keep=CLOCK_SECONDS, awaited=False),
    ]


def server(settings_file: Path) -> PageServer:
    """The exporter, ready to serve. Raises UsageError for the settings, UnreachableError for the port."""
    settings = load(settings_file)
    hint = f" (this process is uid {os.geteuid()}; the runner's files belong to {settings.user})"
    readings = Readings(sources(settings), hint=hint)
    pages = {"/metrics": lambda: (200, text(readings.families())), "/healthz": lambda: (200, "ok\n")}
    started = PageServer(settings.listen, settings.port, pages)
    readings.start()
    return started


def _there(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there: before the first job there is no work folder."""
    return next((path for path in (folder, *folder.parents) if path.exists()), folder)
