"""`prompt-intent bench` and `prompt-intent stats`: models side by side, and live traffic in the same figures.

A bench asks through the service's own parts, in process: what it measures is what a caller of the service waits for and
pays, and its traffic stands in the same store as everybody else's.
"""
