"""A workload of known size that drives every series of the telemetry SDK."""
