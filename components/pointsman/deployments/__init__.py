"""Deployments as a workflow's steps tell them: counted in a ledger, shown by the pushgateway, told as trace and log.

Each call is a process of its own, so totals are kept in the environment's state directory: the ledger is both what was
counted and what is still to be sent. A stack that is down delays what is seen, and fails no deployment.
"""
