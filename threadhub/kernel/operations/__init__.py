"""Operations: jobs a person asked for, item by item, whatever happens to the process.

`kind` declares what can be asked for, `ask`, `cancel` and `resume` are the acts on an
operation, `executor` performs its items, `duties` looks after what was left behind.
"""

from __future__ import annotations

from .asking import KeyReused, ask
from .kinds import Skipped, kind
from .steering import cancel, resume

__all__ = ["KeyReused", "Skipped", "ask", "cancel", "kind", "resume"]
