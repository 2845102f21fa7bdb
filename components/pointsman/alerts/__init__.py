"""Alerts after they were written: whether they have what they need, and how they fared at the live Prometheus."""
