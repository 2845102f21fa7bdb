"""What the services of an environment are doing now, each as a row: health, version, memory, intake, addresses."""

from pointsman.status.gathering import rows
from pointsman.status.model import NOT_PUBLISHED, READY, Row

__all__ = ["NOT_PUBLISHED", "READY", "Row", "rows"]
