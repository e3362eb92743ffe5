"""Reads the intent of an image prompt: `IntentClassifier.from_pretrained().predict(["a neon sign that says OPEN"])`."""

from classifier.errors import BundleError, ChampionError, ClassifierError, FetchError
from classifier.intents import DEFAULT_INTENTS, parse_intent
from classifier.model import IntentClassifier, Prediction

__all__ = [
    "DEFAULT_INTENTS",
    "BundleError",
    "ChampionError",
    "ClassifierError",
    "FetchError",
    "IntentClassifier",
    "Prediction",
    "parse_intent",
]
