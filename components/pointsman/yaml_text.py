"""YAML that people read: keys in the order given, and no anchors where a value stands twice."""

from __future__ import annotations

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Every value is written out: the reader of a config should not have to look for `&id001`."""
        return True


def yaml_text(value: Any) -> str:
    """`value`, which is plain data, as a YAML document."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=120)
