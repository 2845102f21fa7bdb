"""`python -m pointsman.runner_exporter --settings FILE`; the zipapp starts here too."""

from __future__ import annotations

import sys

from pointsman.metrics_page.command import main
from pointsman.runner_exporter.sources import server

if __name__ == "__main__":
    sys.exit(main("pointsman-runner-exporter", "What a host knows of its GitHub runner, for Prometheus.", server))
