"""Driving Pulumi: its variables, its stacks through the Automation API, and what the engine tells while it works."""
