"""`/docs`: the OpenAPI document as plain HTML.

Swagger UI would need a CDN, or 1.5 MB of foreign script in this repository and a laxer content security policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Schema = Mapping[str, Any]
_CODE = re.compile(r"`([^`]+)`")


def render_docs(openapi: Schema) -> str:
    """One page: every path with its fields in and out."""
    info, schemas = openapi["info"], openapi.get("components", {}).get("schemas", {})
    operations = "".join(
        _operation(method, path, operation, schemas)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title>"
        '<link rel="icon" href="static/icon.svg"><link rel="stylesheet" href="static/style.css">'
        '</head><body><main class="docs">'
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info['description'])}</p>"
        '<p>The same as data: <a href="openapi.json">/openapi.json</a>. Back to <a href="./">the page</a>.</p>'
        f"{operations}</main></body></html>"
    )


def _operation(method: str, path: str, operation: Schema, schemas: Schema) -> str:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = operation["responses"].items()
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p><strong>{_prose(operation['summary'])}:</strong> {_prose(operation.get('description', ''))}</p>"
        + (_fields("Send", body, schemas) if body else "")
        + "".join(_answer(status, answer, schemas) for status, answer in answers)
        + "</section>"
    )


def _answer(status: str, answer: Schema, schemas: Schema) -> str:
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    title = f"{status}: {answer['description']}"
    return _fields(title, schema, schemas) if schema else f"<h3>{escape(title)}</h3>"


def _fields(title: str, schema: Schema, schemas: Schema) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(_type(field))}</td><td>{_prose(note)}</td></tr>"
        for name, field, note in _flat(schema, schemas)
    )
    header = "<thead><tr><th>field</th><th>type</th><th></th></tr></thead>"
    return f"<details><summary>{escape(title)}</summary><table>{header}<tbody>{rows}</tbody></table></details>"


def _flat(schema: Schema, schemas: Schema, prefix: str = "") -> Iterator[tuple[str, Schema, str]]:
    """Every field under its dotted name, with what is said about it; our schemas do not refer to themselves."""
    whole = _resolved(schema, schemas)
    for name, field in whole.get("properties", {}).items():
        required = "required. " if name in whole.get("required", []) else ""
        yield f"{prefix}{name}", field, f"{required}{field.get('description', '')}"
        inner = next(_references(field), None)
        if inner is not None:
            many = "[]" if field.get("type") == "array" else ""
            yield from _flat(inner, schemas, f"{prefix}{name}{many}.")


def _resolved(schema: Schema, schemas: Schema) -> Schema:
    reference = schema.get("$ref")
    found: Schema = schemas[reference.rpartition("/")[2]] if reference else schema
    return found


def _references(field: Schema) -> Iterator[Schema]:
    for part in (field, field.get("items", {}), *field.get("anyOf", [])):
        if "$ref" in part:
            yield part


def _prose(text: str) -> str:
    """Docstrings mark code with backticks."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _type(field: Schema) -> str:
    if "anyOf" in field:
        return " or ".join(_type(option) for option in field["anyOf"])
    if "enum" in field:
        return ", ".join(f'"{value}"' for value in field["enum"])
    if "const" in field:
        return f'"{field["const"]}"'
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    return "object" if "$ref" in field else str(field.get("type", "any"))
