"""How the kernel's own models are recorded."""

from __future__ import annotations

from django.contrib.auth.models import Group, User

from threadhub.kernel.audit.declaring import acts, fields, machinery_model
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.crypto.models import KeyCheck
from threadhub.kernel.events.models import OutboxEvent
from threadhub.kernel.operations.models import Operation, OperationItem
from threadhub.kernel.people.models import ApiKey, Profile
from threadhub.kernel.rbac.models import GlobalGrant, Role, RoleGrant
from threadhub.kernel.streams.models import Stream, StreamEvent

fields(User, mask=["password"], exclude=["last_login"], many=["groups"])
fields(Group)
fields(Profile, mask=["issued_password"])
fields(ApiKey, mask=["digest"], exclude=["last_used_at"])
acts(Role, why="Editing a role changes what its holders may do; it is an act.")
acts(RoleGrant, why="Granted and revoked by acts that name both people and the reason.")
acts(GlobalGrant, why="Granted and revoked by acts that name both people and the reason.")
acts(Operation, why="Its state changes by compare-and-set; asking, steering and ending are acts.")
machinery_model(OperationItem, why="What is done to each object is an act on that object.")
machinery_model(KeyCheck, why="Tells whether the key ring is the right one; holds no secret.")
machinery_model(AuditEntry, why="It is the record.")
machinery_model(Stream, why="The counter of a log of events.")
machinery_model(StreamEvent, why="Events are themselves the log of what happened.")
machinery_model(OutboxEvent, why="Messages in transit, written by recorded acts.")
