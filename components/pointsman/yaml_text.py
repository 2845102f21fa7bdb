"""YAML that people read: keys in the order given, and no anchors where a value stands twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from yaml import SafeDumper
else:
    # The same in C where PyYAML was built with it: a seventh of the time, and every command renders all configs.
    SafeDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Every value is written out: the reader of a config should not have to look for `&id001`."""
        return True


def yaml_text(value: Any) -> str:
    """`value`, which is plain data, as a YAML document."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=120)
