"""Why does this person look like that? Everything that the store and the run folders know, in one account."""

from matchpoint.why.account import Why
from matchpoint.why.ask import why

__all__ = ["Why", "why"]
