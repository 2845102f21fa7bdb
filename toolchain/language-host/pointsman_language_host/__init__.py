"""Pulumi's language host for Python, for machines that cannot download the official one.

It serves `pulumirpc.LanguageRuntime` as the engine of CLI 3.256 speaks it. The modules: `options` (what Pulumi.yaml
asks), `programs` (the command that starts a program), `packages` (what is installed), `install` (how dependencies get
installed), `children` (processes that never outlive the host), `output` (where their output goes), `host` (the
protocol), `protocol` (its stubs) and `__main__` (the server's life).
"""

__version__ = "0.1.0"
