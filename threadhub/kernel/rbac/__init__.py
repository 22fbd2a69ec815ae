"""Who may do what: every protected object is fetched through `access`."""
