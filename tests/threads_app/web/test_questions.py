"""Questions on pages: shown to whom, claimed, answered once, and what was typed stays."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from services import asking
from threadhub.kernel import clock
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.streams.models import StreamEvent
from threads_app.models import Interrupt, Run, Thread
from threads_app.services import interrupts, runs
from threads_app.services.interrupts import ClaimedByAnother, NothingToAnswer
from threads_app.web import asked

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> Any:
    return asking.person("ana")


@pytest.fixture
def ben() -> Any:
    return asking.person("ben")


@pytest.fixture
def thread(ana: Any, ben: Any) -> Thread:
    made = asking.thread(ana, asking.graph(), "Report", status="interrupted")
    asking.share(made, "operator", to=ben)
    return made


@pytest.fixture
def question(thread: Thread) -> Interrupt:
    value = {"question": "Publish it?", "file": "report.md", "api_key": "sk-very-secret-key"}
    return asking.question(thread, value=value, schema=asking.DECISION)


def address(question: Interrupt) -> str:
    return reverse("admin:threads_app_thread_question", args=[question.thread_id, question.pk])


def show(user: Any, question: Interrupt) -> str:
    response = asking.signed_in(user).get(address(question))
    assert response.status_code == 200, response
    return response.content.decode()


def send(user: Any, question: Interrupt, **typed: str) -> Any:
    prefix = f"q{question.pk}."
    own = {"act", "back", "confirmed", "key"}
    data = {name if name in own else f"{prefix}{name}": text for name, text in typed.items()}
    names = {name.replace("__", "."): text for name, text in data.items()}
    return asking.signed_in(user).post(address(question), {f"{prefix}mode": "form", **names})


def fresh(question: Interrupt) -> Interrupt:
    return Interrupt.objects.get(pk=question.pk)


class TestTheCard:
    def test_shows_what_is_asked_with_secrets_masked(self, ana: Any, question: Interrupt) -> None:
        page = show(ana, question)

        assert "Publish it?" in page
        assert "report.md" in page
        assert "sk-very-secret-key" not in page
        assert 'value="approve"' in page

    def test_asks_as_free_text_without_a_schema(self, ana: Any, thread: Thread) -> None:
        page = show(ana, asking.question(thread, value="Which <b>contract</b>?"))

        assert "Which &lt;b&gt;contract&lt;/b&gt;?" in page
        assert "Send answer" in page

    def test_is_hidden_from_strangers(self, question: Interrupt) -> None:
        client = asking.signed_in(asking.person("stranger"))

        assert client.get(address(question)).status_code == 404
        assert client.post(address(question), {}).status_code == 404

    def test_tells_a_viewer_why_they_cannot_answer(
        self, thread: Thread, question: Interrupt
    ) -> None:
        viewer = asking.person("viewer")
        asking.share(thread, "viewer", to=viewer)
        page = show(viewer, question)

        assert "Publish it?" in page
        assert "answering it needs the permission to run" in page
        assert send(viewer, question, value__action="approve").status_code == 403

    def test_hides_what_is_asked_from_who_may_only_view(
        self, thread: Thread, question: Interrupt
    ) -> None:
        auditor = asking.person("auditor")
        asking.share(thread, "auditor", to=auditor)
        page = show(auditor, question)

        assert "Publish it?" not in page
        assert "report.md" not in page
        assert "but not what it asks" in page

    def test_of_another_thread_is_not_found(
        self, ana: Any, question: Interrupt, thread: Thread
    ) -> None:
        wrong = reverse("admin:threads_app_thread_question", args=[thread.pk + 1, question.pk])

        assert asking.signed_in(ana).get(wrong).status_code == 404


@pytest.mark.parametrize(
    ("value", "text", "labels"),
    [
        ("Go on?", "Go on?", []),
        ({"message": "Go on?", "step": 3}, "Go on?", ["Step"]),
        ([{"description": "Go on?", "file_name": "a"}], "Go on?", ["File name"]),
        ({"step": 3}, "", ["Step"]),
        ([1, 2], "", ["Value"]),
        (None, "", []),
    ],
)
def test_the_words_of_a_question_come_out_of_any_value(
    value: Any, text: str, labels: list[str]
) -> None:
    assert asked.asked(value) == text
    assert [detail.label for detail in asked.details(value)] == labels


class TestAnAnswer:
    def test_is_sent_by_one_button(self, ana: Any, question: Interrupt) -> None:
        response = send(ana, question, value__action="approve", value__reason="fine")

        assert response.status_code == 303
        assert fresh(question).answer == {"action": "approve", "reason": "fine"}
        assert fresh(question).answered_by == ana

    def test_leads_back_to_where_the_person_came_from(self, ana: Any, question: Interrupt) -> None:
        response = send(ana, question, value__action="reject", back=reverse("admin:inbox"))

        assert response["Location"] == reverse("admin:inbox")

    @pytest.mark.parametrize("back", ["https://example.com/", "//example.com", "/elsewhere"])
    def test_leads_nowhere_else(self, ana: Any, question: Interrupt, back: str) -> None:
        response = send(ana, question, value__action="reject", back=back)

        assert response["Location"] == f"/console/threads_app/thread/{question.thread_id}/live/"

    def test_that_does_not_fit_keeps_what_was_typed(self, ana: Any, question: Interrupt) -> None:
        response = send(ana, question, value__action="approve", value__reason="much " * 10)
        page = response.content.decode()

        assert response.status_code == 422
        assert "Reason: Use at most 20 characters." in page
        assert "much much" in page
        assert fresh(question).status == "open"

    def test_sent_twice_by_a_double_click_counts_once(self, ana: Any, question: Interrupt) -> None:
        first = send(ana, question, value__action="approve", key="one")
        again = send(ana, question, value__action="approve", key="one")

        assert (first.status_code, again.status_code) == (303, 303)
        assert Run.objects.filter(command__isnull=False).count() == 1

    def test_that_comes_late_is_told_who_was_first(
        self, ana: Any, ben: Any, question: Interrupt
    ) -> None:
        send(ben, question, value__action="reject", key="his")
        late = send(ana, question, value__action="approve", value__reason="my words", key="hers")
        page = late.content.decode()

        assert late.status_code == 409
        assert "ben answered this question on" in page
        assert "my words" in page
        assert fresh(question).answer["action"] == "reject"

    def test_to_a_question_that_was_withdrawn_is_told_so(
        self, ana: Any, question: Interrupt
    ) -> None:
        question.status = "dropped"
        question.save(update_fields=["status"])
        late = send(ana, question, value__action="approve")

        assert late.status_code == 409
        assert "This question was withdrawn" in late.content.decode()

    def test_can_be_written_as_json(self, ana: Any, question: Interrupt) -> None:
        switched = send(ana, question, value__reason="kept", switch="1").content.decode()
        given = '{"action": "approve", "reason": "kept"}'
        sent = send(ana, question, mode="json", json=given)

        assert "&quot;reason&quot;: &quot;kept&quot;" in switched
        assert sent.status_code == 303
        assert fresh(question).answer == {"action": "approve", "reason": "kept"}

    def test_in_broken_json_names_the_place(self, ana: Any, question: Interrupt) -> None:
        response = send(ana, question, mode="json", json='{"action": approve}')
        page = response.content.decode()

        assert response.status_code == 422
        assert "line 1, column 12" in page
        assert "approve}" in page

    def test_to_a_question_without_schema_is_text_or_json(self, ana: Any, thread: Thread) -> None:
        text, data = asking.question(thread), asking.question(thread)
        send(ana, text, value="Contract 7")
        send(ana, data, mode="json", json='{"contract": 7}')

        assert fresh(text).answer == "Contract 7"
        assert fresh(data).answer == {"contract": 7}


class TestAClaim:
    def test_is_shown_to_others_and_taken_back(
        self, ana: Any, ben: Any, question: Interrupt
    ) -> None:
        send(ben, question, act="claim")
        claimed = show(ana, question)
        send(ben, question, act="release")

        assert "Claimed by ben" in claimed
        assert "Claimed by ben" not in show(ana, question)
        kinds = StreamEvent.objects.order_by("pk").values_list("kind", flat=True)
        assert list(kinds)[-2:] == ["interrupt.claimed", "interrupt.released"]
        acts = AuditEntry.objects.order_by("pk").values_list("act", flat=True)
        assert list(acts)[-2:] == ["interrupt.claim", "interrupt.release"]

    def test_of_another_needs_a_word_and_keeps_what_was_typed(
        self, ana: Any, ben: Any, question: Interrupt
    ) -> None:
        send(ben, question, act="claim")
        asked_first = send(ana, question, value__action="approve", value__reason="typed")
        page = asked_first.content.decode()
        meant = send(ana, question, value__action="approve", confirmed="yes")

        assert asked_first.status_code == 409
        assert "ben claimed this question." in page
        assert "typed" in page
        assert meant.status_code == 303

    def test_is_not_taken_from_another(self, ana: Any, ben: Any, question: Interrupt) -> None:
        interrupts.claim(question=question, actor=ben, now=clock.now())

        with pytest.raises(ClaimedByAnother, match="ben claimed this already"):
            interrupts.claim(question=question, actor=ana, now=clock.now())
        with pytest.raises(ClaimedByAnother):
            interrupts.release(question=question, actor=ana)
        assert fresh(question).claimed_by == ben

    def test_of_an_answered_question_is_told_who_was_first(
        self, ana: Any, ben: Any, question: Interrupt
    ) -> None:
        runs.answer(question=question, answer={"action": "reject"}, actor=ben, now=clock.now())

        with pytest.raises(NothingToAnswer, match="ben answered this already"):
            interrupts.claim(question=question, actor=ana, now=clock.now())


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @pytest.fixture(autouse=True)
    def _quiet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("threads_app.tasks.execute_run.delay", lambda **_: None)

    def both(self, act: Callable[[Any], Any], *people: Any) -> list[Any]:
        """Let people act at the same moment, each with a connection of their own."""
        together = Barrier(len(people))

        def alone(user: Any) -> Any:
            try:
                together.wait()
                return act(user)
            finally:
                connection.close()

        with ThreadPoolExecutor(len(people)) as pool:
            return list(pool.map(alone, people))

    def test_of_two_answers_one_counts_and_the_other_is_told(
        self, ana: Any, ben: Any, question: Interrupt
    ) -> None:
        found = self.both(lambda user: send(user, question, value__action="approve"), ana, ben)
        late = next(response for response in found if response.status_code != 303)

        assert sorted(response.status_code for response in found) == [303, 409]
        assert "answered this question on" in late.content.decode()
        assert Run.objects.filter(command__isnull=False).count() == 1

    def test_of_two_claims_one_counts(self, ana: Any, ben: Any, question: Interrupt) -> None:
        def claim(user: Any) -> str:
            try:
                mine = Interrupt.objects.get(pk=question.pk)
                interrupts.claim(question=mine, actor=user, now=clock.now())
            except ClaimedByAnother:
                return "late"
            return "first"

        assert sorted(self.both(claim, ana, ben)) == ["first", "late"]


def test_a_browser_without_a_session_is_asked_to_sign_in(question: Interrupt) -> None:
    assert Client().get(address(question)).status_code == 302
