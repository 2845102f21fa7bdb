"""`python -m tests.faults.harness.recover`: undoes the faults of processes that were killed."""

from __future__ import annotations

import sys

from pointsman.errors import PointsmanError
from tests.faults.harness import journal
from tests.faults.harness.harness import recover


def main() -> int:
    """Prints what was undone. Exits with 1 when something could not be, with 3 when Docker does not answer."""
    try:
        done = recover()
    except PointsmanError as error:
        print(f"{error}", file=sys.stderr)
        return error.exit_code
    except (ExceptionGroup, ValueError) as failed:
        print(f"{failed}; the journal stays in {journal.folder()}", file=sys.stderr)
        return 1
    print("\n".join(f"undone: {fault}" for fault in done) or "nothing to undo")
    return 0


if __name__ == "__main__":
    sys.exit(main())
