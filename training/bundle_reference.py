"""What people call a bundle on the command line."""

from __future__ import annotations

from classifier.champion import REGISTERED_MODEL


def bundle_reference(name: str | None) -> str | None:
    """A version number or an alias as a models:/ URI; folders and URIs as they are; None for the champion."""
    if name is None or name == "champion":
        return None
    if name.isdigit():
        return f"models:/{REGISTERED_MODEL}/{name}"
    return f"models:/{REGISTERED_MODEL}@{name}" if name == "challenger" else name
