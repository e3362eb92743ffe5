"""What can go wrong between a bundle and a prediction.

PromptIntentError    root of every package's tree: `str(error)` says what to do, the command line shows it and exits 1
  ClassifierError
    BundleError        a bundle is missing, incomplete, tampered with, or of a format this version cannot read
    ChampionError      there is no champion to serve, or its pointer cannot be read
    FetchError         a models:/ or runs:/ URI could not be fetched
    RowError           an input row cannot be classified (its message says which and why)
    OutputError        answers or rejects cannot be written where they are to go
    HomeError          the state folder cannot be one
    MissingExtraError  a command needs an extra that is not installed
"""

from __future__ import annotations


class PromptIntentError(Exception):
    """Root of every package's errors; `str(error)` says what to do."""


class ClassifierError(PromptIntentError):
    """Base of this package's errors."""


class BundleError(ClassifierError):
    """The bundle cannot be proven to be what it says it is."""


class ChampionError(ClassifierError):
    """No champion, or an unreadable pointer."""


class FetchError(ClassifierError):
    """A model URI could not be fetched."""


class RowError(ClassifierError):
    """One row of an input file is unusable."""


class OutputError(ClassifierError):
    """A file to be written is the input, is no file, or cannot be opened."""


class HomeError(ClassifierError):
    """What `PROMPT_INTENT_HOME` names is no folder and cannot become one."""


class MissingExtraError(ClassifierError):
    """A command needs an extra of this distribution."""
