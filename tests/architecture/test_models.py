"""Tables: who points where, what deletion reaches, and that every change is accounted for."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db import models

from architecture.source_tree import PACKAGES
from threadhub.kernel import audit

# The database may point where code may not; each such key is a decision.
CROSS_APP_KEYS = {
    "checkpoints_app.StoreItem.owner -> auth.User",
    "sessions_app.Plan.actor -> auth.User",
    "sessions_app.PlanNode.run -> threads_app.Run",
    "sessions_app.Session.owner -> auth.User",
    "sessions_app.Session.stream -> threadhub.Stream",
    "sessions_app.SessionGroupPermission.group -> auth.Group",
    "sessions_app.SessionGroupPermission.permission -> auth.Permission",
    "sessions_app.SessionThreadAssociation.thread -> threads_app.Thread",
    "sessions_app.SessionUserPermission.permission -> auth.Permission",
    "sessions_app.SessionUserPermission.user -> auth.User",
    "threads_app.Assistant.owner -> auth.User",
    "threads_app.Interrupt.answered_by -> auth.User",
    "threads_app.Interrupt.claimed_by -> auth.User",
    "threads_app.Run.actor -> auth.User",
    "threads_app.Thread.head -> checkpoints_app.CheckpointHead",
    "threads_app.Thread.owner -> auth.User",
    "threads_app.Thread.stream -> threadhub.Stream",
    "threads_app.ThreadGroupPermission.group -> auth.Group",
    "threads_app.ThreadGroupPermission.permission -> auth.Permission",
    "threads_app.ThreadUserPermission.permission -> auth.Permission",
    "threads_app.ThreadUserPermission.user -> auth.User",
    "threadhub.ApiKey.user -> auth.User",
    "threadhub.AuditEntry.actor -> auth.User",
    "threadhub.AuditEntry.content_type -> contenttypes.ContentType",
    "threadhub.GlobalGrant.grantor -> auth.User",
    "threadhub.GlobalGrant.group -> auth.Group",
    "threadhub.GlobalGrant.user -> auth.User",
    "threadhub.Operation.asked_by -> auth.User",
    "threadhub.Profile.user -> auth.User",
    "threadhub.RoleGrant.grantor -> auth.User",
    "threadhub.RoleGrant.group -> auth.Group",
    "threadhub.RoleGrant.session -> sessions_app.Session",
    "threadhub.RoleGrant.thread -> threads_app.Thread",
    "threadhub.RoleGrant.user -> auth.User",
}
# Models of libraries that no audit declaration names, each with the reason. None of ours.
EXCUSED = {
    "admin.LogEntry": "Django's own log beside ours; the audit records the changes themselves.",
    "auth.Permission": "Rows that migrations derive from the models.",
    "contenttypes.ContentType": "Rows that migrations derive from the models.",
    "guardian.GroupObjectPermission": "Generic grants, never used: see visible_to.",
    "guardian.UserObjectPermission": "Generic grants, never used: see visible_to.",
    "sessions.Session": "Browser sessions; signing in and out is recorded.",
}


def all_models() -> list[type[models.Model]]:
    return list(apps.get_models())


def own_models() -> list[type[models.Model]]:
    return [model for model in all_models() if model.__module__.split(".")[0] in PACKAGES]


def keys() -> Iterator[tuple[models.ForeignKey, str]]:
    for model in own_models():
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey):
                target = field.related_model._meta
                yield field, f"{model._meta.label}.{field.name} -> {target.label}"


def test_keys_between_apps_are_the_listed_ones() -> None:
    crossing = {
        text
        for field, text in keys()
        if field.model._meta.app_label != field.related_model._meta.app_label
    }

    assert crossing == CROSS_APP_KEYS


def test_every_model_says_how_it_is_recorded() -> None:
    silent = {model._meta.label for model in all_models() if audit.declared(model) is None}

    assert silent == set(EXCUSED)


def test_excuses_name_models_of_libraries_only() -> None:
    ours = {model._meta.label for model in own_models()}

    assert ours & set(EXCUSED) == set()
    assert all(EXCUSED.values())


def test_a_model_recorded_by_its_acts_or_not_at_all_says_why() -> None:
    unexplained = [
        model._meta.label
        for model in own_models()
        if (how := audit.declared(model)) and how.how != "fields" and not how.why
    ]

    assert unexplained == []


def test_no_key_is_emptied_behind_the_audit() -> None:
    emptied = [
        text
        for field, text in keys()
        if field.remote_field.on_delete in {models.SET_NULL, models.SET_DEFAULT}
    ]

    assert emptied == []


def test_people_are_never_deleted_along() -> None:
    people = settings.AUTH_USER_MODEL
    loose = {
        text
        for field, text in keys()
        if field.related_model._meta.label == people
        and field.remote_field.on_delete is not models.PROTECT
        and not is_free(field)
    }

    assert loose == set()


def is_free(field: models.ForeignKey) -> bool:
    """An audit entry keeps the number of a person who is gone."""
    return field.remote_field.on_delete is models.DO_NOTHING and not field.db_constraint


def test_cascades_reach_only_models_that_are_accounted_for() -> None:
    unaccounted = [
        text
        for field, text in keys()
        if field.remote_field.on_delete is models.CASCADE and audit.declared(field.model) is None
    ]

    assert unaccounted == []


def test_constraints_and_indexes_have_names_of_their_own() -> None:
    names = [
        entry.name
        for model in own_models()
        for entry in (*model._meta.indexes, *model._meta.constraints)
    ]

    assert sorted(names) == sorted(set(names))


def test_models_have_no_hidden_order() -> None:
    ordered = [model._meta.label for model in own_models() if model._meta.ordering]

    assert ordered == []
