"""Where changes may be made: transactions, bulk writes and the one door."""

from __future__ import annotations

import ast

import pytest
from django.apps import apps

from architecture.source_tree import Source, everything, product
from threadhub.kernel import audit
from threadhub.kernel.rbac.querysets import ProtectedQuerySet

MAY_OPEN_TRANSACTIONS = (
    "threadhub/kernel/",
    "threadhub/coordination/",
    "threads_app/services/",
    "threads_app/runtime/duties.py",
    "threads_app/runtime/leases.py",
    "threads_app/runtime/settling.py",
    "threads_app/runtime/streaming.py",
    "sessions_app/services/",
    "checkpoints_app/services/",
)
# Django's own form: the fair lock is taken first everywhere else.
MAY_OPEN_DJANGOS = {"threadhub/kernel/transactions.py", "threadhub/kernel/ticking.py"}
OPENERS = {"acts.act", "act", "transactions.atomic", "atomic"}
# Bookkeeping that changes rows in bulk without an entry, and why that is right.
MACHINERY = {
    "access epoch": "Counts changes of rights that are recorded themselves.",
    "graph catalogue": "A copy of what the project's files say.",
    "lease": "A worker's sign of life.",
    "outbox": "Messages in transit.",
    "store expiry": "What was stored says itself how long it lives.",
    "stream": "The counter of a log of events.",
}
# Stand for graphs that other people wrote, which may block.
STRANGERS_CODE = ("examples/", "benchmarks/", "tests/projects/")
# The engine works for nobody in particular: it fetches what its lease names.
MAY_FETCH_RAW = ("threads_app/runtime/", "threadhub/kernel/rbac/")


def protected_models() -> set[str]:
    return {
        model.__name__
        for model in apps.get_models()
        if isinstance(model._default_manager.all(), ProtectedQuerySet)
    }


def raw_fetches(source: Source) -> list[str]:
    wanted = {f"{name}.objects.get" for name in protected_models()}
    shortcuts = {"get_object_or_404", "shortcuts.get_object_or_404"}
    return [
        f"{source.name}:{call.lineno} {name}"
        for name, call in source.calls()
        if name in wanted | shortcuts
    ]


def test_transactions_are_opened_where_changes_have_rules() -> None:
    elsewhere = [
        f"{source.name}:{call.lineno} {name}"
        for source in product()
        for name, call in source.calls()
        if name in OPENERS and not source.name.startswith(MAY_OPEN_TRANSACTIONS)
    ]

    assert elsewhere == []


def test_write_transactions_take_the_fair_lock_first() -> None:
    elsewhere = [
        f"{source.name}:{call.lineno}"
        for source in product()
        for name, call in source.calls()
        if name == "transaction.atomic" and source.name not in MAY_OPEN_DJANGOS
    ]

    assert elsewhere == []


def test_protected_objects_come_through_the_one_door() -> None:
    raw = [
        fetch
        for source in product()
        if not source.name.startswith(MAY_FETCH_RAW)
        for fetch in raw_fetches(source)
    ]

    assert raw == []


def interfaces() -> list[Source]:
    """What translates requests, sockets and clicks: it asks on behalf of a person."""
    drawers = ("/api/", "/web/", "/realtime/", "/console/")
    files = ("/admin.py", "/consumers.py")
    return [
        source
        for source in product()
        if not source.name.startswith("threadhub/kernel/")
        if any(drawer in source.name for drawer in drawers) or source.name.endswith(files)
    ]


def unasked(source: Source) -> list[str]:
    """Return where `Model.objects` of a protected model is used without asking the door."""
    names = {f"{name}.objects" for name in protected_models()}
    asked = {
        inner
        for outer in ast.walk(source.tree)
        if (isinstance(outer, ast.Attribute) and outer.attr == "visible_to")
        or (isinstance(outer, ast.Call) and ast.unparse(outer.func) == "access.get")
        for inner in ast.walk(outer)
    }
    return [
        f"{source.name}:{node.lineno}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node not in asked and ast.unparse(node) in names
    ]


def test_interfaces_see_protected_objects_through_the_door_only() -> None:
    assert interfaces()
    assert [place for source in interfaces() for place in unasked(source)] == []


def test_the_reasons_for_unrecorded_changes_are_the_listed_ones() -> None:
    assert set(MACHINERY) == audit.MACHINERY


@pytest.mark.parametrize("reason", MACHINERY)
def test_each_reason_for_unrecorded_changes_is_still_needed(reason: str) -> None:
    used = {
        call.args[0].value
        for source in product()
        for name, call in source.calls()
        if name.split(".")[-1] == "machinery" and call.args
        if isinstance(call.args[0], ast.Constant)
    }

    assert reason in used


def test_nothing_sleeps_but_the_tests_one_waiting_function() -> None:
    sleeping = {
        source.name
        for source in everything()
        if not source.name.startswith(STRANGERS_CODE)
        for name, _ in source.calls()
        if name in {"time.sleep", "sleep"}
    }

    assert sleeping == {"tests/services/waiting.py"}


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("guardian.shortcuts", "ignores when a grant ends"),
        ("guardian.core", "ignores when a grant ends"),
        ("pickle", "runs what it reads"),
    ],
)
def test_the_product_never_imports(module: str, why: str) -> None:
    importing = [
        source.name
        for source in product()
        for name in source.imports()
        if f"{name}.".startswith(f"{module}.")
    ]

    assert importing == [], why


def test_nothing_evaluates_text_as_code() -> None:
    evaluating = [
        f"{source.name}:{call.lineno}"
        for source in product()
        for name, call in source.calls()
        if name in {"eval", "exec"}
    ]

    assert evaluating == []
