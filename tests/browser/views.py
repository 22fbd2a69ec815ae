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
READ = """(parts) => Object.fromEntries(Object.entries(parts).map(([name, selector]) => {
  const shown = (element) => {
    const copy = element.cloneNode(true);
    const moving = "time, [data-ago], [data-live-state], svg:not(.graph) *, template, [hidden]";
    for (const part of copy.querySelectorAll(moving)) part.remove();
    const states = [element, ...element.querySelectorAll("[class*='is-']")]
      .flatMap((one) => [...one.classList].filter((word) => word.startsWith("is-")));
    const words = copy.textContent.replace(/\\s+/g, " ").trim();
    return `${words} ${states.join(" ")}`.trim();
  };
  return [name, [...document.querySelectorAll(selector)].map(shown)];
}))"""

View = dict[str, list[str]]


def view_of(tab: Tab) -> View:
    """Return what the page shows now."""
    return dict(tab.evaluate(READ, PARTS))


def differences(one: View, other: View) -> list[str]:
    """Return the parts in which two views differ, each as both show it."""
    return [f"{name}: {one[name]} != {other[name]}" for name in PARTS if one[name] != other[name]]
