"""What a client of the live protocol makes of a thread's events; see docs/live.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class View:
    """What the events of a thread tell without asking again."""

    title: str
    run: dict[str, str] | None
    questions: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, data: dict[str, Any]) -> View:
        """Return the view that a snapshot shows."""
        run = data["run"]
        return cls(
            title=data["thread"]["title"],
            run={"run_id": run["run_id"], "status": run["status"]} if run else None,
            questions={asked["interrupt_id"] for asked in data["questions"]},
        )

    def apply(self, kind: str, payload: dict[str, Any]) -> None:
        """Take in one event."""
        match kind.split("."):
            case ["thread", "changed"]:
                self.title = payload["title"]
            case ["run", _] if "status" in payload:
                self._run(payload["run_id"], payload["status"])
            case ["interrupt", "opened" | "reopened"]:
                self.questions.add(payload["interrupt_id"])
            case ["interrupt", "answered" | "dropped"]:
                self.questions.discard(payload["interrupt_id"])

    def _run(self, run_id: str, status: str) -> None:
        # Ids of runs sort by the time they were made. The API's word for `cancelled`.
        if self.run is None or run_id >= self.run["run_id"]:
            shown = "interrupted" if status == "cancelled" else status
            self.run = {"run_id": run_id, "status": shown}
