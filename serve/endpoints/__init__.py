"""The service's paths. An endpoint parses, calls once and writes the answer."""
