"""Backups: an environment's data, image lock and Pulumi state in one file, and their way back.

Nothing is imported here: the guard must be up at once, and every run of the program asks the journal alone.
"""
