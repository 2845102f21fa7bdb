"""The notifier: Alertmanager's webhooks as log lines, GitHub issues and Discord embeds.

python -m pointsman.notifier --settings FILE
"""
