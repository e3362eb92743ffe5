"""Ideogram as it speaks on the wire: the legacy endpoint of 2.0 and 2a, and v2 of its API."""
