"""Suggest the smallest change to a definition with which no rule fails, proven by running the rules again."""

from stackcheck.suggest import builds, places, settings, versions
from stackcheck.suggest.change import apply, spell
from stackcheck.suggest.search import Limits, suggestions
from stackcheck.suggest.stepwise import suggest
from stackcheck.suggest.suggestion import Change, Suggestion

__all__ = ["Change", "Limits", "Suggestion", "apply", "spell", "suggest", "suggestions"]

_REGISTERED = (builds, places, settings, versions)
"""Importing these modules registers their candidate generators."""
