"""What only the long form runs: `make chaos`. The short form of it is in tests/cluster."""

from __future__ import annotations

import os

collect_ignore = [] if "CHAOS_KILLS" in os.environ else ["test_cluster.py"]
