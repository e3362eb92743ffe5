"""What can go wrong while training, by cause.

TrainingError
  DatasetError    a prompt file cannot be read, breaks its schema, or cannot be trained on
  GateError       a gate refused: the candidate is not good enough, or cannot be compared
  RegistryError   MLflow cannot be reached, or has not got what was asked of it
  ReportError     the HTML report cannot be written where it was asked for
  EncoderError    the sentence encoder cannot be loaded, exported, or proven equal to its export
"""

from __future__ import annotations

from classifier.errors import PromptIntentError


class TrainingError(PromptIntentError):
    """Base of all; `str(error)` says what to do."""


class DatasetError(TrainingError):
    """A prompt file is unusable; the message names the file, the lines and the fields."""


class GateError(TrainingError):
    """A gate refused; the message gives the figures it refused on."""


class RegistryError(TrainingError):
    """MLflow did not give or take a run, a version or an alias."""


class EncoderError(TrainingError):
    """The sentence encoder cannot be used, or its export does not agree with it."""


class ReportError(TrainingError):
    """The HTML report cannot be written; the message names the place."""
