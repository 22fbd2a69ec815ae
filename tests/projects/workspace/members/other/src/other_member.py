"""What the members of the workspace share."""

from __future__ import annotations

from shared_graphs import asking as asking
