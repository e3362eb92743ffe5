"""The schema number, kept in SQLite's own `user_version`: a file is created, brought up to date, or refused.

A new file gets today's tables at once. An older file goes through the steps in order, all of them or none. A newer file
was written by a newer version, whose rules this one cannot know: it is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sqlite3 import Connection
from types import MappingProxyType

from serve.errors import StoreError
from serve.store.tables import TABLES

SCHEMA = 1
Step = Callable[[Connection], None]
STEPS: Mapping[int, Step] = MappingProxyType({})
"""From number `n` to `n + 1`. A step speaks SQL of its own: the tables it knew will have changed since."""


def number_of(connection: Connection) -> int:
    """The file's schema; 0 where it is empty or another program's."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def prepare(connection: Connection, name: str, schema: int = SCHEMA, steps: Mapping[int, Step] = STEPS) -> None:
    """Make the file's tables those of `schema`, inside the connection's transaction. `name` is for messages.

    Raises:
        StoreError: the file is newer than `schema`, or is another program's.
    """
    found = number_of(connection)
    if found > schema:
        raise StoreError(
            f"{name} has schema {found}, and this version of prompt-intent knows {schema} at most: install the version "
            "that wrote it or a later one, or set PROMPT_INTENT_HOME to another folder; the file was left as it is"
        )
    if found == 0:
        _create(connection, name)
    else:
        for number in range(found, schema):
            steps[number](connection)
    # A pragma takes no parameters.
    connection.execute(f"PRAGMA user_version = {schema:d}")


def _create(connection: Connection, name: str) -> None:
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise StoreError(
            f"{name} is a SQLite file of another program: move it away, or set PROMPT_INTENT_HOME to another folder"
        )
    for statement in TABLES:
        connection.execute(statement)
