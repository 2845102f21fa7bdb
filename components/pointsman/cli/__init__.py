"""The command line: prepares the machine, drives Pulumi, shows progress, proves the result."""
