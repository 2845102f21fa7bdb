"""The runs store: what runs and steps are, where they are read, and how a store that Pointsman owns is written."""
