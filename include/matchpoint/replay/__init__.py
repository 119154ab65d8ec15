"""Replay: what an edited profile would make of the extracts that are kept, before it is let at the users."""

from matchpoint.replay.replayed import Replay, Replayed
from matchpoint.replay.run import replay

__all__ = ["Replay", "Replayed", "replay"]
