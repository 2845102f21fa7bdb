"""Programs that a host's own Python runs (3.9 or newer, nothing but the standard library), given as text."""
