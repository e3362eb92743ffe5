"""Black Forest Labs as it speaks on the wire: an order, polls until it is done, and a signed link to the picture."""
