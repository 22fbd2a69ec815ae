"""Settings: `embedded` (default, one process), `cluster` and `test`, over one `base`."""
