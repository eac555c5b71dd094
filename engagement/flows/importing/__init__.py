"""A shop's past and its catalogue: from the adapter, from files."""
