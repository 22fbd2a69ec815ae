"""What a new session is asked to be, and everything that is wrong with it, before a row is made."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sessions_app.models import Dependency, SessionThreadAssociation
from threadhub.coordination import mapping, topology
from threadhub.kernel.errors import Invalid, ThreadHubError
from threads_app.models import Assistant, Thread
from threads_app.selectors import assistants
from threads_app.services import runs
from threads_app.services.runs import RunOrder

THREADS_MOST = 1_000
DEPENDENCIES_MOST = 5_000
NAME_LENGTH = 100
WORK = SessionThreadAssociation.Type.WORK.value
DATA_FLOW = Dependency.Kind.DATA_FLOW.value
NOT_YOURS = "There is no such thread that you may manage."


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDraft:
    """A thread of the session: a new one, or the caller's own that exists."""

    name: str
    assistant_id: str | None = None
    thread_id: str | None = None
    type: str = WORK
    input: Any = None
    config: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] | None = None
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeDraft:
    """`downstream` waits for `upstream`, both by name."""

    upstream: str
    downstream: str
    kind: str = Dependency.Kind.SEQUENTIAL.value
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """A checked draft with what it names; `thread` is None for one to be made."""

    draft: MemberDraft
    assistant: Assistant | None
    thread: Thread | None


@dataclass(slots=True)
class Problems:
    """What is wrong, by place: `threads.2.name`."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, place: str, text: str) -> None:
        """Note a problem."""
        self.found.setdefault(place, []).append(text)

    def refuse(self) -> None:
        """Raise Invalid with everything noted, if anything was."""
        if self.found:
            place, texts = next(iter(self.found.items()))
            raise Invalid(f"{place}: {texts[0]}", fields=self.found)


def checked(
    threads: Sequence[MemberDraft], dependencies: Sequence[EdgeDraft], *, actor: Any
) -> list[Member]:
    """Return the members of a session of the actor's. May import graphs.

    Raises Invalid with `fields` that name every place where something is wrong.
    """
    problems = Problems()
    _check_size(problems, threads, dependencies)
    problems.refuse()
    _check_names(problems, threads)
    _check_edges(problems, threads, dependencies)
    fed = {edge.downstream for edge in dependencies if edge.kind == DATA_FLOW}
    members = _resolved(problems, threads, actor)
    problems.refuse()
    for place, member in enumerate(members):
        _check_order(problems, f"threads.{place}", member, is_fed=member.draft.name in fed)
    problems.refuse()
    return members


def _check_size(
    problems: Problems, threads: Sequence[MemberDraft], dependencies: Sequence[EdgeDraft]
) -> None:
    if len(threads) > THREADS_MOST:
        problems.add("threads", f"A session has at most {THREADS_MOST} threads.")
    if len(dependencies) > DEPENDENCIES_MOST:
        problems.add("dependencies", f"A session has at most {DEPENDENCIES_MOST} dependencies.")


def normal(name: str) -> str:
    """Return the name in the one form in which it is stored and looked up."""
    return unicodedata.normalize("NFC", name)


def is_name(name: str) -> bool:
    """Say whether the text can stand in an address; letters are those of any language."""
    classes = [unicodedata.category(character)[0] for character in name]
    fits = all(kind in "LMN" or mark in "-_" for kind, mark in zip(classes, name, strict=True))
    return bool(name) and len(name) <= NAME_LENGTH and fits and classes[0] in "LN"


def _check_names(problems: Problems, threads: Sequence[MemberDraft]) -> None:
    seen: set[str] = set()
    for place, draft in enumerate(threads):
        if not is_name(draft.name):
            text = (
                f"A name has up to {NAME_LENGTH} letters, digits, hyphens and underscores, "
                "and begins with a letter or a digit."
            )
            problems.add(f"threads.{place}.name", text)
        elif draft.name in seen:
            problems.add(f"threads.{place}.name", f"Another thread is called {draft.name} already.")
        seen.add(draft.name)


def _check_edges(
    problems: Problems, threads: Sequence[MemberDraft], edges: Sequence[EdgeDraft]
) -> None:
    types = {draft.name: draft.type for draft in threads}
    taken: set[tuple[str, str]] = set()
    fed: set[tuple[str, str]] = set()
    for place, edge in enumerate(edges):
        at = f"dependencies.{place}"
        pair = (edge.upstream, edge.downstream)
        for text, where in _edge_problems(edge, types):
            problems.add(f"{at}.{where}", text)
        if pair in taken:
            problems.add(at, f"{edge.downstream} depends on {edge.upstream} already.")
        taken.add(pair)
        for key, text in _mapping_problems(edge, fed):
            problems.add(f"{at}.mapping.{key}", text)
    if not problems.found:
        try:
            topology.levels(types, taken)
        except topology.Circular as error:
            problems.add("dependencies", f"These threads wait for each other: {error}.")


def _edge_problems(edge: EdgeDraft, types: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, where in ((edge.upstream, "from"), (edge.downstream, "to")):
        if name not in types:
            yield f"No thread of the session is called {name}.", where
        elif types[name] != WORK:
            yield f"{name} is kept for reference and never run, so nothing can wait.", where
    if edge.upstream == edge.downstream:
        yield f"{edge.upstream} cannot wait for itself.", "to"
    if edge.mapping and edge.kind != DATA_FLOW:
        yield "Only a data_flow dependency has a mapping.", "mapping"


def _mapping_problems(edge: EdgeDraft, fed: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for key, expression in edge.mapping.items():
        if (edge.downstream, key) in fed:
            yield key, f"Another dependency gives {edge.downstream} its `{key}` already."
        fed.add((edge.downstream, key))
        try:
            mapping.check(expression)
        except mapping.BadExpression as error:
            yield key, error.message


def _resolved(problems: Problems, threads: Sequence[MemberDraft], actor: Any) -> list[Member]:
    named = [draft.thread_id for draft in threads if draft.thread_id]
    mine = Thread.objects.visible_to(actor, "manage").filter(public_id__in=named)
    existing = {thread.public_id: thread for thread in mine}
    times = Counter(named)
    known: dict[str, Assistant] = {}
    members = []
    for place, draft in enumerate(threads):
        at = f"threads.{place}"
        thread = existing.get(draft.thread_id or "")
        if draft.thread_id and thread is None:
            problems.add(f"{at}.thread_id", NOT_YOURS)
        elif draft.thread_id and times[draft.thread_id] > 1:
            problems.add(f"{at}.thread_id", "This thread is named more than once.")
        if thread is not None and draft.title:
            problems.add(f"{at}.title", "A thread that exists keeps its own title.")
        assistant = _assistant(problems, f"{at}.assistant_id", draft, actor, known)
        members.append(Member(draft, assistant, thread))
    return members


def _assistant(
    problems: Problems, place: str, draft: MemberDraft, actor: Any, known: dict[str, Assistant]
) -> Assistant | None:
    name = draft.assistant_id
    if name is None:
        if draft.type == WORK:
            problems.add(place, "Say which assistant works here, by its id or its graph's name.")
        return None
    try:
        if name not in known:
            known[name] = assistants.resolve(name, user=actor)
    except ThreadHubError as error:
        problems.add(place, error.message)
        return None
    return known[name]


def _check_order(problems: Problems, at: str, member: Member, *, is_fed: bool) -> None:
    """Refuse what a graph could not take; what data completes is looked at when it is there."""
    draft, assistant = member.draft, member.assistant
    if assistant is None:
        return
    held = member.thread
    if held and held.state_updated_at and held.graph_id not in {None, assistant.graph_id}:
        problems.add(f"{at}.thread_id", "This thread holds the state of another graph.")
    if is_fed and not isinstance(draft.input, dict | None):
        problems.add(f"{at}.input", "Data flows into this thread, so its input is an object.")
        return
    given = None if is_fed else own_input(draft.input)
    order = RunOrder(input=given, config=draft.config, context=draft.context)
    try:
        runs.check(order.over(assistant), assistant.graph)
    except Invalid as error:
        places = {"input_unfit": "input", "context_unfit": "context"}
        place = places.get(error.code, "assistant_id")
        problems.add(f"{at}.{place}", error.message)


def own_input(given: Any) -> Any:
    """Return the input to start with: a plan begins anew, and nothing would mean going on."""
    return {} if given is None else given
