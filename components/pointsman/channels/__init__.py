"""The channels that people are told by: one client each, used by the notifier and by the run monitor alike.

Each delivers a `Notification`, raises `NotDelivered` with a reason that is safe to log, and never shows a secret.
"""
