"""A stand-in for GitHub's runner program, for tests: Python 3.11 and its standard library alone. See CONTRACT.md."""
