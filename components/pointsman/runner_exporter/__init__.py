"""The exporter of a runner host: what the host itself knows of its runner, for Prometheus.

Standard library only, Python 3.9 or newer: `packing.build` makes a zipapp of it that needs no pip on the host.
"""
