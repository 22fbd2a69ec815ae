"""The OpenAPI document is complete and valid."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from threads_app.api import missing
from threads_app.api.urls import urlpatterns


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The document; a warning or an error while it is made fails."""
    path = tmp_path_factory.mktemp("schema") / "schema.yaml"
    call_command("spectacular", file=str(path), fail_on_warn=True, validate=True)
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (path, operation)
        for path, methods in document["paths"].items()
        for operation in methods.values()
    ]


def test_every_route_is_described(document: dict[str, Any]) -> None:
    assert len(document["paths"]) >= len(urlpatterns) - len(missing.urlpatterns)


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]

    assert len(set(names)) == len(names)
    assert all(name == name.lower() and not name.startswith("api_") for name in names)


def test_every_operation_says_what_it_does_and_how_to_sign_in(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        assert operation["description"], path
        assert {"apiKey": []} in operation["security"], path


def test_every_operation_names_the_shape_of_its_errors(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                (content,) = answer["content"].values()
                assert content["schema"] == {"$ref": "#/components/schemas/ErrorOutput"}, path


def test_it_is_served_to_people_who_signed_in(program: Client, db: None) -> None:
    assert Client().get("/api/schema").status_code == 401
    assert program.get("/api/schema").status_code == 200
