"""The run monitor: sees every run end, stall or go silent, and has each handler act on it exactly once."""
