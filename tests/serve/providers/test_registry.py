from __future__ import annotations

from collections.abc import Callable

import pytest

from serve.catalog import Catalog
from serve.errors import CatalogError
from serve.image_request import ReadyModel
from serve.providers import DIALECTS, dialect_of


def test_every_shipped_row_speaks_a_dialect_we_have(catalog: Catalog) -> None:
    """No row of the shipped catalogue names an unknown dialect, and no dialect is without a row."""
    spoken = {name: dialect_of(row) for name, row in catalog.models.items()}
    assert all(spoken[name] is DIALECTS[row.dialect] for name, row in catalog.models.items())
    assert {row.dialect for row in catalog.models.values()} == set(DIALECTS)


def test_unknown_dialect_is_named(ready: Callable[[str], ReadyModel]) -> None:
    """A row with a dialect nobody wrote is refused with the row, the value and the choices."""
    row = ready("imagen-4").row.model_copy(update={"dialect": "carrier_pigeon"})
    with pytest.raises(CatalogError, match=r"models\.imagen-4\.dialect: 'carrier_pigeon' is none of .*google_predict"):
        dialect_of(row)
