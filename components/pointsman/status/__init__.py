"""What services and hosts of an environment are doing now, each as a row: health, version, load, addresses."""

from pointsman.status.gathering import look
from pointsman.status.model import NOT_PUBLISHED, READY, HostRow, Row, Status

__all__ = ["NOT_PUBLISHED", "READY", "HostRow", "Row", "Status", "look"]
