"""Images that no environment declares: made on request, by name, for tests and for looking at one part alone."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.builds import Progress, Store
from pointsman.images import catalogue as catalogues
from pointsman.images import packages
from pointsman.images.engine import Engine
from pointsman.images.model import ImageRef


def build(names: Sequence[str], progress: Progress) -> dict[str, ImageRef]:
    """Have images of the catalogue in the Docker engine, made from packages; no lock names them.

    Raises UsageError for a name that the catalogue does not have or cannot make, BuildError when a build fails.
    """
    catalogue = catalogues.load()
    plans = [packages.plan(name, catalogue.image(name)) for name in dict.fromkeys(names)]
    return {
        name: ImageRef(name, made.version, made.image_id, made.label, made.source, made.user)
        for name, made in packages.make(plans, Store(), Engine(), progress)
    }
