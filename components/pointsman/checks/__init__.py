"""Checks: what preflight and verify report, each with its outcome, evidence and remedy."""

from pointsman.checks.model import Check, Hop, Outcome, Report, failed, not_verifiable, passed

__all__ = ["Check", "Hop", "Outcome", "Report", "failed", "not_verifiable", "passed"]
