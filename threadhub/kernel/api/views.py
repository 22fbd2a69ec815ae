"""The base of every API route about protected objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

from threadhub.kernel.rbac import access

from .errors import LengthRequired
from .rendering import AnyAccept, AsciiJSONRenderer

if TYPE_CHECKING:
    from django.db import models
    from rest_framework.request import Request
    from rest_framework.serializers import Serializer

    from threadhub.kernel.rbac.querysets import Action, ProtectedQuerySet


class ProtectedView(APIView):
    """A route whose objects are reached through the one door only."""

    permission_classes = [IsAuthenticated]
    renderer_classes = [AsciiJSONRenderer]
    content_negotiation_class = AnyAccept
    # The objects of the route; `None` says that it shows none that belong to somebody.
    protected: ClassVar[type[models.Model] | None] = None
    # The permission each HTTP method needs on the object it names or lists.
    needs: ClassVar[dict[str, Action]] = {}
    # A permission on which what is shown of an object depends; see `visible_to`.
    tells: ClassVar[Action | None] = None

    def visible(self, *related: str, action: Action | None = None) -> ProtectedQuerySet[Any]:
        """Return the objects on which the caller holds what the method, or `action`, needs."""
        objects, user = self._objects(*related), self.request.user
        return objects.visible_to(user, action or self._action(), telling=self.tells)

    def find(self, *related: str, **lookup: Any) -> Any:
        """Return the one object. Raises NotVisible or NotAllowed."""
        objects = self._objects(*related)
        user, action = self.request.user, self._action()
        return access.get(objects, user=user, action=action, telling=self.tells, **lookup)

    def _objects(self, *related: str) -> ProtectedQuerySet[Any]:
        if self.protected is None:
            raise TypeError(f"{type(self).__name__} protects no model.")
        objects: ProtectedQuerySet[Any] = self.protected._default_manager.all()  # type: ignore[assignment]
        return objects.select_related(*related) if related else objects

    def _action(self) -> Action:
        method = self.request.method or "GET"
        return self.needs["GET" if method == "HEAD" else method]


def validated(serializer: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the checked body of a request.

    Raises ValidationError (422), ParseError (400), BodyTooLarge (413), LengthRequired (411).
    """
    _demand_length(request)
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def validated_many(
    serializer: type[Serializer[Any]], request: Request, *, most: int
) -> list[dict[str, Any]]:
    """Return the checked objects of a body that is a list of one to `most` of them.

    Raises what `validated` raises.
    """
    _demand_length(request)
    limits = {"many": True, "allow_empty": False, "max_length": most}
    checked: Any = serializer(data=request.data, **limits)  # type: ignore[arg-type]  # a list's
    checked.is_valid(raise_exception=True)
    return [dict(item) for item in checked.validated_data]


def _demand_length(request: Request) -> None:
    if request.headers.get("Transfer-Encoding"):
        # The framework takes a body without a length for an empty one.
        raise LengthRequired


def queried(serializer: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the checked query parameters of a request. Raises ValidationError."""
    given = request.query_params.copy()
    for name in list(given):
        # What a client leaves open arrives as an empty text.
        if given.getlist(name) == [""]:
            del given[name]
    checked = serializer(data=given)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)
