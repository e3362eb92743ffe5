"""Recraft as it speaks on the wire: OpenAI's request with fields of its own, errors in plain text or JSON."""
