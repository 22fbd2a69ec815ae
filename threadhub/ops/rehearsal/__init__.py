"""Private servers and a cluster on this machine, for rehearsals and for tests."""
