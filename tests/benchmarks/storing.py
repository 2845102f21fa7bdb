"""Programs that write to a runs store at a pace, as processes of their own."""

from __future__ import annotations

# Arguments: the settings as JSON, seconds, and of how many changes one is an end (0: none).
# Ten commits a second, as of many writers, change 1 % of all runs a second; the time of each change is what it says.
WRITER = """
import sys, time
from datetime import UTC, datetime
import sqlalchemy as sa
from pointsman.runs import schema
from pointsman.runs.opening import placed, writing
from pointsman.spec.runs import StoreSettings
settings = StoreSettings.model_validate_json(sys.argv[1])
ending = int(sys.argv[3])
place = placed(settings)
engine = writing(place)
if place.address is not None:
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: place.address.connect({}))
runs, key = schema.runs, sa.bindparam("key")
with engine.connect() as connection:
    ids = list(connection.scalars(sa.select(runs.c.id)))
began, due, at = time.monotonic(), 0.0, 0
until = began + float(sys.argv[2])
beat = runs.update().where(runs.c.id == key)
while time.monotonic() < until:
    begun = time.monotonic()
    due += len(ids) / 1000
    part = [ids[(at + each) % len(ids)] for each in range(int(due))]
    ends = [each for place, each in enumerate(part, at) if ending and place % ending == 0]
    at, due, now = at + len(part), due - len(part), datetime.now(UTC)
    if part:
        with engine.begin() as connection:
            connection.execute(beat.values(heartbeat_at=now, updated_at=now), [{"key": each} for each in part])
            if ends:
                over = {"state": "completed", "finished_at": now, "updated_at": now}
                connection.execute(beat.values(**over), [{"key": each} for each in ends])
    time.sleep(max(0, 0.1 - (time.monotonic() - begun)))
"""
