"""Random worlds of people and rights, and what they should be able to do by the rules alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from threadhub.kernel.rbac.actions import ACTIONS

PEOPLE, GROUPS, ROLES, THREADS, SESSIONS = 4, 2, 2, 3, 2

# When it is in force: all along, no more, not yet, since its start came.
Time = Literal["now", "ended", "future", "begun"]
# A grant on a thread, on a session, or everywhere.
Target = tuple[Literal["thread", "session", "everywhere"], int]
Subject = tuple[Literal["user", "group"], int]


@dataclass
class Person:
    """An account and the groups it is in."""

    is_active: bool
    is_staff: bool
    is_superuser: bool
    groups: frozenset[int]
    # Permissions on all models, as Django's own; they open nothing.
    has_model_permissions: bool


@dataclass(frozen=True)
class Grant:
    """A role given to somebody on something, in force or not."""

    role: int
    subject: Subject
    target: Target
    time: Time
    is_revoked: bool


@dataclass
class World:
    """Everything that decides who may do what."""

    people: list[Person]
    roles: list[frozenset[str]]
    # What the roles are changed to when everything has been granted.
    edited: list[frozenset[str]]
    thread_owners: list[int]
    session_owners: list[int]
    # By (session, thread): whether the member was active at first, and in the end.
    members: dict[tuple[int, int], tuple[bool, bool]]
    grants: list[Grant]
    # The permission about which each object is asked by itself; lists are asked about all.
    asked: str


permissions = st.frozensets(st.sampled_from(ACTIONS), min_size=1)
people = st.builds(
    Person,
    is_active=st.sampled_from([True, True, True, False]),
    is_staff=st.sampled_from([False, False, False, True]),
    is_superuser=st.sampled_from([False, False, False, False, True]),
    groups=st.frozensets(st.integers(0, GROUPS - 1)),
    has_model_permissions=st.booleans(),
)
subjects = st.one_of(
    st.tuples(st.just("user"), st.integers(0, PEOPLE - 1)),
    st.tuples(st.just("group"), st.integers(0, GROUPS - 1)),
)
targets = st.one_of(
    st.tuples(st.just("thread"), st.integers(0, THREADS - 1)),
    st.tuples(st.just("session"), st.integers(0, SESSIONS - 1)),
    st.tuples(st.just("everywhere"), st.just(0)),
)
grants = st.builds(
    Grant,
    role=st.integers(0, ROLES - 1),
    subject=subjects,
    target=targets,
    time=st.sampled_from(["now", "now", "ended", "future", "begun"]),
    is_revoked=st.sampled_from([False, False, True]),
)
worlds = st.builds(
    World,
    people=st.lists(people, min_size=PEOPLE, max_size=PEOPLE),
    roles=st.lists(permissions, min_size=ROLES, max_size=ROLES),
    edited=st.lists(permissions, min_size=ROLES, max_size=ROLES),
    thread_owners=st.lists(st.integers(0, PEOPLE - 1), min_size=THREADS, max_size=THREADS),
    session_owners=st.lists(st.integers(0, PEOPLE - 1), min_size=SESSIONS, max_size=SESSIONS),
    members=st.dictionaries(
        st.tuples(st.integers(0, SESSIONS - 1), st.integers(0, THREADS - 1)),
        st.tuples(st.booleans(), st.booleans()),
        max_size=4,
    ),
    asked=st.sampled_from(ACTIONS),
    grants=st.lists(grants, max_size=6, unique_by=lambda one: (one.role, one.subject, one.target)),
)


def expected(world: World, who: int, target: Target) -> set[str]:
    """Return what a person holds on a thread or session, read from the rules and the grants."""
    person = world.people[who]
    if not person.is_active:
        return set()
    if person.is_superuser:
        return set(ACTIONS)
    held = {"view"} if person.is_staff else set()
    over: list[Target] = [target]
    if target[0] == "thread":
        over += [
            ("session", session)
            for (session, thread), (_, is_active) in world.members.items()
            if thread == target[1] and is_active
        ]
    owners = {"thread": world.thread_owners, "session": world.session_owners}
    if any(owners[kind][number] == who for kind, number in over):
        held |= set(ACTIONS)
    for grant in world.grants:
        if _reaches(grant, person, who) and grant.target in [*over, ("everywhere", 0)]:
            held |= {"view"} | world.edited[grant.role]
    return held


def _reaches(grant: Grant, person: Person, who: int) -> bool:
    kind, number = grant.subject
    is_theirs = number == who if kind == "user" else number in person.groups
    return is_theirs and grant.time in {"now", "begun"} and not grant.is_revoked
