"""What exporters share: the text that Prometheus reads, a server that holds out, and settings files.

Standard library only and good for Python 3.9: a part of it travels in the zipapp that runs on hosts without pip.
"""
