"""`python -m pointsman.github_exporter --settings FILE`."""

from __future__ import annotations

import sys

from pointsman.github_exporter.serving import server
from pointsman.metrics_page.command import main

if __name__ == "__main__":
    sys.exit(main("pointsman-github-exporter", "What GitHub knows of runners and queues, for Prometheus.", server))
