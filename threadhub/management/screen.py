"""How the demo looks: a live line for each thread on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.template.defaultfilters import filesizeformat
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from threadhub.kernel.streams.models import StreamEvent
    from threadhub.ops.demo import Figures

# A table in a log must not be cut to the width of a terminal that is not there.
LOG_WIDTH = 110
# A mark tells a status apart without its color.
MARKS = {
    "pending": "[dim]·[/]",
    "running": "[cyan]▶[/]",
    "waiting": "[yellow]?[/]",
    "success": "[green]✓[/]",
    "error": "[red]✗[/]",
    "blocked": "[red]⊘[/]",
    "cancelled": "[yellow]–[/]",
}
SAID = {"pending": "waits", "running": "works", "waiting": "asks", "success": "done"}


class Screen:
    """Shows what the threads of a session do and what they left behind."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)
        if not self._console.is_terminal:
            self._console = Console(highlight=False, markup=False, emoji=False, width=LOG_WIDTH)
        self._bar: Progress | None = None
        self._rows: dict[str, TaskID] = {}
        self._ended: set[str] = set()

    @property
    def is_terminal(self) -> bool:
        """Say whether somebody is looking."""
        return self._console.is_terminal

    def say(self, text: str) -> None:
        """Show one line."""
        self._console.print(text, soft_wrap=True)

    @contextmanager
    def progress(self, names: Sequence[str]) -> Iterator[None]:
        """Show a line for each thread that has not ended while the block runs, on a terminal."""
        if not self.is_terminal:
            yield
            return
        bar = Progress(
            TextColumn("{task.fields[mark]}"),
            TextColumn("[bold]{task.description}[/]"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[count]:>9}"),
            TextColumn("[dim]{task.fields[said]}[/]"),
            TimeElapsedColumn(),
            console=self._console,
        )
        left = [name for name in names if name not in self._ended]
        self._rows = {
            name: bar.add_task(
                name, total=None, start=False, mark=MARKS["pending"], count="", said="waits"
            )
            for name in left
        }
        with bar:
            self._bar = bar
            try:
                yield
            finally:
                self._bar = None

    def event(self, name: str, event: StreamEvent) -> None:
        """Show an event of a thread, if it says something to people."""
        kind, _, status = event.kind.partition(".")
        said = event.payload.get("data") if event.kind == "custom" else None
        if kind == "node":
            self._stand(name, status, str(event.payload.get("reason", "")))
        elif isinstance(said, dict) and "text" in said:
            self._work(name, said)
        elif event.kind == "run.running" and event.payload["attempt"] > 1:
            self._say(name, f"attempt {event.payload['attempt']}")
        elif event.kind == "run.pending" and "reason" in event.payload:
            self._say(name, f"given back: {event.payload['reason']}")

    def _stand(self, name: str, status: str, reason: str) -> None:
        """Show where a thread stands now."""
        if status in {"success", "error", "blocked", "cancelled"}:
            self._ended.add(name)
        if self._bar is None:
            self.say(f"{name:<10} {status}{f': {reason}' if reason else ''}")
            return
        row = self._rows[name]
        if status == "running":
            self._bar.start_task(row)
        else:
            self._bar.stop_task(row)
        if status == "success" and self._bar.tasks[row].total is None:
            self._bar.update(row, total=1, completed=1)
        self._bar.update(row, mark=MARKS[status], said=reason or SAID[status])

    def _work(self, name: str, said: dict[str, Any]) -> None:
        """Show what a thread has done; numbers of packages add up."""
        if self._bar is None or "checked" not in said:
            self._say(name, said["text"])
            return
        row = self._rows[name]
        self._bar.update(row, total=said["total"], advance=said["checked"])
        done = self._bar.tasks[row].completed
        self._bar.update(row, count=f"{done:.0f}/{said['total']}", said=said["text"])

    def _say(self, name: str, text: str) -> None:
        if self._bar is None:
            self.say(f"{name:<10} {text}")
        else:
            self._bar.update(self._rows[name], said=text)

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
        """Show a table of the threads and their totals."""
        table = Table(show_footer=True, header_style="bold")
        numbers = [
            ("Runs", sum(row.runs for row in rows)),
            ("Steps", sum(row.steps for row in rows)),
            ("Checkpoints", sum(row.checkpoints for row in rows)),
            ("Bytes", _size(sum(row.bytes for row in rows))),
            ("Seconds", f"{sum(row.seconds for row in rows):.1f}"),
        ]
        table.add_column("Thread", footer="Total", no_wrap=True)
        table.add_column("Status", no_wrap=True)
        for name, total in numbers:
            table.add_column(name, footer=str(total), justify="right", no_wrap=True)
        for row in rows:
            table.add_row(
                row.name,
                row.status,
                str(row.runs),
                str(row.steps),
                str(row.checkpoints),
                _size(row.bytes),
                f"{row.seconds:.1f}",
            )
        self._console.print(table)


def _size(count: int) -> str:
    # The non-breaking blank would be an odd character in logs.
    return filesizeformat(count).replace("\xa0", " ")
