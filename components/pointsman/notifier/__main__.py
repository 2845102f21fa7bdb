"""`python -m pointsman.notifier --settings FILE`."""

from __future__ import annotations

import sys

from pointsman.metrics_page.command import main
from pointsman.notifier.serving import server

if __name__ == "__main__":
    sys.exit(main("pointsman-notifier", "Tells people of alerts, beside Alertmanager.", server))
