"""The board: a small read-only server that shows Grafana's provisioning files where Grafana's image can't be had.

It is not Grafana and says so everywhere: what is proved on it is not proved in Grafana.
"""

VERSION = "board-1.0.0"
"""What /api/health tells as the version: no release of Grafana begins like that."""
ABOUT = "Pointsman board – not Grafana"
