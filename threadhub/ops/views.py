"""Routes that tell whether ThreadHub answers."""

from __future__ import annotations

from importlib.metadata import version

from django.http import HttpRequest, JsonResponse


def ok(_: HttpRequest) -> JsonResponse:
    """Answer that the process serves requests."""
    return JsonResponse({"ok": True})


def info(_: HttpRequest) -> JsonResponse:
    """Answer what runs here, in the shape LangGraph's clients probe for."""
    return JsonResponse(
        {
            "name": "ThreadHub",
            "version": "0.1.0",
            "langgraph_py_version": version("langgraph"),
            "flags": {"assistants": True, "crons": False, "langsmith": False},
            "host": {"kind": "self-hosted"},
        }
    )
