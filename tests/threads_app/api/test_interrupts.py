"""Questions over HTTP: listed, answered once, answered by command."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import SyncLangGraphClient
from langgraph_sdk.errors import ConflictError, UnprocessableEntityError


@pytest.fixture
def asked(sdk: SyncLangGraphClient, thread_id: str) -> str:
    """The id of a thread that waits for one answer."""
    sdk.runs.wait(thread_id, "asks", input={"subject": "the plan"})
    return thread_id


@pytest.fixture
def asked_twice(sdk: SyncLangGraphClient, thread_id: str) -> str:
    """The id of a thread that waits for two answers of one step."""
    sdk.runs.wait(thread_id, "asks_twice", input={"subject": "sides"})
    return thread_id


def questions(client: httpx.Client, thread_id: str) -> list[dict[str, Any]]:
    listed = client.get("/interrupts", params={"thread_id": thread_id}).raise_for_status().json()
    assert {row["thread_id"] for row in listed} <= {thread_id}
    return listed


def answer(client: httpx.Client, question: dict[str, Any], given: Any) -> httpx.Response:
    return client.post(f"/interrupts/{question['id']}/answer", json={"answer": given})


def join(client: httpx.Client, run: dict[str, Any]) -> dict[str, Any]:
    return client.get(f"/threads/{run['thread_id']}/runs/{run['run_id']}/join").json()


def test_waiting_for_a_run_returns_its_question(sdk: SyncLangGraphClient, thread_id: str) -> None:
    values: Any = sdk.runs.wait(thread_id, "asks", input={"subject": "the plan"})

    assert values["subject"] == "the plan"
    assert values["__interrupt__"][0]["value"] == {"about": "the plan"}


def test_a_thread_shows_its_questions_by_task(
    sdk: SyncLangGraphClient, operator: httpx.Client, asked: str
) -> None:
    thread = sdk.threads.get(asked)
    (shown,) = thread["interrupts"].values()
    (question,) = questions(operator, asked)

    assert thread["status"] == "interrupted"
    assert shown[0]["value"] == question["value"] == {"about": "the plan"}
    assert shown[0]["id"] == question["interrupt_id"]
    assert shown[0]["response_schema"] == question["response_schema"]
    assert question["response_schema"]["properties"].keys() == {"ok"}
    assert (question["node"], question["status"]) == ("ask", "open")


def test_an_answer_continues_the_graph(operator: httpx.Client, asked: str) -> None:
    (question,) = questions(operator, asked)
    accepted = answer(operator, question, {"ok": True})

    assert accepted.status_code == 202
    assert join(operator, accepted.json())["answers"] == ["{'ok': True}"]
    assert questions(operator, asked) == []
    assert operator.get(f"/threads/{asked}").json()["status"] == "idle"


def test_null_is_an_answer(operator: httpx.Client, asked: str) -> None:
    (question,) = questions(operator, asked)

    assert join(operator, answer(operator, question, None).json())["answers"] == ["None"]


def test_an_answer_that_does_not_fit_names_the_field(operator: httpx.Client, asked: str) -> None:
    (question,) = questions(operator, asked)
    refused = answer(operator, question, {"ok": "perhaps"})

    assert (refused.status_code, refused.json()["code"]) == (422, "answer_unfit")
    assert list(refused.json()["fields"]) == ["answer.ok"]
    assert answer(operator, question, {"ok": False}).status_code == 202


def test_a_command_is_not_held_to_the_schema(sdk: SyncLangGraphClient, asked: str) -> None:
    values: Any = sdk.runs.wait(asked, "asks", command={"resume": {"ok": "perhaps"}})

    assert values["answers"] == ["{'ok': 'perhaps'}"]


def test_a_second_answer_is_told_who_was_first(operator: httpx.Client, asked: str) -> None:
    (question,) = questions(operator, asked)
    answer(operator, question, 1).raise_for_status()
    late = answer(operator, question, 2)

    assert (late.status_code, late.json()["code"]) == (409, "nothing_to_answer")
    assert "operator answered this already" in late.json()["detail"]


def test_of_two_answers_at_once_one_counts(operator: httpx.Client, asked: str) -> None:
    (question,) = questions(operator, asked)
    together = Barrier(2)

    def try_to(given: str) -> httpx.Response:
        together.wait()
        return answer(operator, question, given)

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(try_to, ("a", "b")), key=lambda given: given.status_code)

    assert [given.status_code for given in answers] == [202, 409]
    assert "operator" in answers[1].json()["detail"]
    assert len(join(operator, answers[0].json())["answers"]) == 1


def test_a_body_without_an_answer_answers_nothing(operator: httpx.Client, asked: str) -> None:
    (question,) = questions(operator, asked)
    empty = operator.post(f"/interrupts/{question['id']}/answer", json={})

    assert empty.status_code == 422
    assert len(questions(operator, asked)) == 1


class TestAClaim:
    def test_names_who_will_answer_until_it_is_released(
        self, operator: httpx.Client, asked: str
    ) -> None:
        (question,) = questions(operator, asked)
        claimed = operator.post(f"/interrupts/{question['id']}/claim").raise_for_status().json()
        (listed,) = questions(operator, asked)
        released = operator.post(f"/interrupts/{question['id']}/release").raise_for_status().json()

        assert question["claimed_by"] is None
        assert claimed["claimed_by"] == listed["claimed_by"] == "operator"
        assert (released["claimed_by"], released["claimed_at"]) == (None, None)

    def test_of_an_answered_question_is_refused(self, operator: httpx.Client, asked: str) -> None:
        (question,) = questions(operator, asked)
        answer(operator, question, {"ok": True}).raise_for_status()
        late = operator.post(f"/interrupts/{question['id']}/claim")

        assert (late.status_code, late.json()["code"]) == (409, "nothing_to_answer")


class TestSeveralInAStep:
    def test_are_answered_one_by_one(self, operator: httpx.Client, asked_twice: str) -> None:
        first, second = questions(operator, asked_twice)
        join(operator, answer(operator, first, "one").json())
        assert [row["id"] for row in questions(operator, asked_twice)] == [second["id"]]
        values = join(operator, answer(operator, second, "two").json())

        assert sorted(values["answers"]) == ["left one", "right two"]

    def test_are_answered_before_the_first_answer_is_processed(
        self, operator: httpx.Client, asked_twice: str
    ) -> None:
        runs = [
            answer(operator, row, row["node"]).json() for row in questions(operator, asked_twice)
        ]

        assert sorted(join(operator, runs[-1])["answers"]) == ["left left", "right right"]

    def test_are_answered_together_by_id(
        self, sdk: SyncLangGraphClient, operator: httpx.Client, asked_twice: str
    ) -> None:
        resume = {row["interrupt_id"]: row["node"] for row in questions(operator, asked_twice)}
        values: Any = sdk.runs.wait(asked_twice, "asks_twice", command={"resume": resume})

        assert sorted(values["answers"]) == ["left left", "right right"]

    def test_need_an_id(self, sdk: SyncLangGraphClient, asked_twice: str) -> None:
        with pytest.raises(UnprocessableEntityError) as caught:
            sdk.runs.create(asked_twice, "asks_twice", command={"resume": "both"})

        assert caught.value.code == "answer_by_id"


class TestACommand:
    def test_answers(self, sdk: SyncLangGraphClient, asked: str) -> None:
        values: Any = sdk.runs.wait(asked, "asks", command={"resume": "yes"})

        assert values["answers"] == ["yes"]

    def test_answers_once(self, sdk: SyncLangGraphClient, asked: str) -> None:
        sdk.runs.create(asked, "asks", command={"resume": "yes"})

        with pytest.raises(ConflictError, match="operator answered"):
            sdk.runs.create(asked, "asks", command={"resume": "again"})
        assert len(sdk.runs.list(asked)) == 2

    def test_needs_a_question(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        with pytest.raises(ConflictError, match="waits for no answer"):
            sdk.runs.create(thread_id, "asks", command={"resume": "yes"})
        assert sdk.runs.list(thread_id) == []

    def test_reaches_a_question_in_a_subgraph(
        self, sdk: SyncLangGraphClient, thread_id: str
    ) -> None:
        asked: Any = sdk.runs.wait(thread_id, "nested", input={"subject": "inner"})
        assert asked["__interrupt__"][0]["value"] == {"about": "inner"}
        values: Any = sdk.runs.wait(thread_id, "nested", command={"resume": "yes"})

        assert values["answers"] == ["yes"]


def test_a_cancelled_answer_opens_the_question_again(
    operator: httpx.Client, sdk: SyncLangGraphClient, asked: str
) -> None:
    later = sdk.runs.create(asked, "asks", command={"resume": "yes"}, after_seconds=3600)
    assert questions(operator, asked) == []
    sdk.runs.cancel(asked, later["run_id"])

    assert len(questions(operator, asked)) == 1


def test_a_new_state_drops_the_question(
    operator: httpx.Client, sdk: SyncLangGraphClient, asked: str
) -> None:
    (question,) = questions(operator, asked)
    sdk.threads.update_state(asked, {"subject": "another"})

    assert questions(operator, asked) == []
    assert answer(operator, question, "late").status_code == 409
    values: Any = sdk.runs.wait(asked, "asks", input=None)
    assert values["__interrupt__"][0]["value"] == {"about": "another"}
