"""How the demo looks: a live progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.template.defaultfilters import filesizeformat
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from threadhub.kernel.streams.models import StreamEvent
    from threadhub.ops.demo import Figures

# A table in a log must not be cut to the width of a terminal that is not there.
LOG_WIDTH = 110


class Screen:
    """Shows what a run does and what it left behind."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)
        if not self._console.is_terminal:
            self._console = Console(highlight=False, markup=False, emoji=False, width=LOG_WIDTH)
        self._bar: Progress | None = None

    @property
    def is_terminal(self) -> bool:
        """Say whether somebody is looking."""
        return self._console.is_terminal

    def say(self, text: str) -> None:
        """Show one line."""
        self._console.print(text, soft_wrap=True)

    @contextmanager
    def progress(self, title: str) -> Iterator[None]:
        """Show a progress bar while the block runs, on a terminal; the title elsewhere."""
        if not self.is_terminal:
            self.say(f"{title} ...")
            yield
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
        )
        bar = Progress(*columns, TimeElapsedColumn(), console=self._console)
        bar.add_task(title, total=None, count="")
        with bar:
            self._bar = bar
            try:
                yield
            finally:
                self._bar = None

    def event(self, event: StreamEvent) -> None:
        """Show an event of the run, if it says something to people."""
        said = event.payload.get("data") if event.kind == "custom" else None
        if isinstance(said, dict) and "checked" in said:
            self._advance(said)
        elif isinstance(said, dict) and "text" in said:
            self.say(f"  {said['text']}")
        elif event.kind == "run.running" and event.payload["attempt"] > 1:
            self.say(f"  attempt {event.payload['attempt']}")
        elif event.kind == "run.pending" and "reason" in event.payload:
            self.say(f"  given back: {event.payload['reason']}")

    def _advance(self, said: dict[str, Any]) -> None:
        if self._bar is None:
            self.say(f"  {said['text']}")
            return
        task = self._bar.tasks[0]
        self._bar.update(task.id, total=said["total"], advance=said["checked"])
        self._bar.update(task.id, count=f"{task.completed:.0f}/{said['total']}")

    def question(self, asked: Any) -> None:
        """Show what the graph asks, with its summary."""
        if not isinstance(asked, dict):
            self.say(f"\n{asked}")
            return
        summary = asked.get("summary") or {}
        counts = ", ".join(f"{count} {name}" for name, count in summary.items())
        self.say(f"\n{asked.get('title', '')}: {counts}")
        self.say(str(asked.get("question", "")))

    def ask(self) -> bool:
        """Return the answer typed on the terminal, y or n. Raises EOFError at its end."""
        while True:
            typed = self._console.input("Answer y or n [y]: ", markup=False).strip().lower()
            if typed in {"", "y", "yes"}:
                return True
            if typed in {"n", "no"}:
                return False

    def figures(self, rows: Sequence[Figures]) -> None:
        """Show a table of the runs and their totals."""
        table = Table(show_footer=len(rows) > 1, header_style="bold")
        numbers = [
            ("Steps", sum(row.steps for row in rows)),
            ("Checkpoints", sum(row.checkpoints for row in rows)),
            ("Bytes", _size(sum(row.bytes for row in rows))),
            ("Seconds", f"{sum(row.seconds for row in rows):.1f}"),
        ]
        table.add_column("Run", footer="Total", overflow="fold")
        table.add_column("Status", no_wrap=True)
        for name, total in numbers:
            table.add_column(name, footer=str(total), justify="right", no_wrap=True)
        for row in rows:
            table.add_row(
                str(row.run.public_id),
                row.run.status,
                str(row.steps),
                str(row.checkpoints),
                _size(row.bytes),
                f"{row.seconds:.1f}",
            )
        self._console.print(table)


def _size(count: int) -> str:
    # The non-breaking blank would be an odd character in logs.
    return filesizeformat(count).replace("\xa0", " ")
