"""A stand-in for the vendors: their wire formats, drawn pictures, a ledger. Shares no code with `providers`."""
