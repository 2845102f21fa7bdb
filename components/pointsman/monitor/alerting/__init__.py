"""The alert engine: events of runs become alerts by the rules of alerts.yaml; each channel has a handler of its own.

Alone it throttles, waits for quiet hours to end, and tells the channels itself; beside the stack it gives all alerts to
Alertmanager, which groups and routes them.
"""
