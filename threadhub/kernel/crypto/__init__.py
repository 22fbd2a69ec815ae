"""Encryption at rest: `ring.current()` holds the keys, `keys` checks them at every start."""
