"""Alerts, rules and routes as typed data: one module a subject, every threshold in the spec."""
