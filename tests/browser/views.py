"""What a thread's page shows of a run, in a form two browsers can be compared by."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

# The parts of the page that move, by what the page calls them.
PARTS = {
    "head": "#head",
    "nodes": "svg.graph .gn",
    "steps": "#steps",
    "output": ".log",
}
# Words and states without what depends on the moment somebody looks: ages, the connection.
# A line that was added here and one that the server drew may be spaced differently.
READ = """(parts) => Object.fromEntries(Object.entries(parts).map(([name, selector]) => {
  const moving = "time, [data-ago], [data-live-state], svg:not(.graph) *, template, [hidden]";
  const shown = (element) => {
    const copy = element.cloneNode(true);
    for (const part of copy.querySelectorAll(moving)) part.remove();
    const states = [copy, ...copy.querySelectorAll("[class*='is-']")]
      .flatMap((one) => [...one.classList].filter((word) => word.startsWith("is-")));
    return `${copy.textContent.replace(/\\s+/g, "")} ${states.join(" ")}`.trim();
  };
  return [name, [...document.querySelectorAll(selector)].map(shown)];
}))"""

View = dict[str, list[str]]


def view_of(tab: Tab) -> View:
    """Return what the page shows now."""
    return dict(tab.evaluate(READ, PARTS))


def differences(one: View, other: View) -> list[str]:
    """Return where two views begin to differ, part by part, as each of them shows it."""
    return [f"{name}: {_cut(one[name], other[name])}" for name in PARTS if one[name] != other[name]]


def _cut(one: list[str], other: list[str]) -> str:
    texts = "\n".join(one), "\n".join(other)
    pairs = enumerate(zip(*texts, strict=False))
    same = next((at for at, (a, b) in pairs if a != b), min(map(len, texts)))
    start = max(0, same - 40)
    return " != ".join(repr(text[start : start + 120]) for text in texts)
