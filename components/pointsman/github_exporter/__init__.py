"""The exporter of GitHub's view: runners, the queue, secrets' age, the rate limit, for Prometheus.

python -m pointsman.github_exporter --settings FILE
"""
