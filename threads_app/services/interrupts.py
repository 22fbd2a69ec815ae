"""Questions: answered once, whoever asks first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from threadhub.kernel import acts, schemas
from threadhub.kernel.errors import Conflict, Invalid
from threadhub.kernel.streams.log import Item
from threads_app.models import Interrupt, Run, Thread


class NothingToAnswer(Conflict):
    """The question is not open any more, or the thread asks nothing."""

    code = "nothing_to_answer"


class ClaimedByAnother(Conflict):
    """Somebody else said that they will answer; the message names them."""

    code = "claimed_by_another"


class AnswerUnfit(Invalid):
    """The answer does not fit the question's response schema; `fields` says where."""

    code = "answer_unfit"


def check_answer(question: Interrupt, answer: Any) -> None:
    """Raise AnswerUnfit for an answer that the question's own schema refuses."""
    found = schemas.violations(question.response_schema or {}, answer)
    if not found:
        return
    fields: dict[str, list[str]] = {}
    for violation in found:
        place = ".".join(("answer", *map(str, violation.path)))
        fields.setdefault(place, []).append(violation.text)
    place, texts = next(iter(fields.items()))
    raise AnswerUnfit(f"The answer does not fit the question: {place}: {texts[0]}.", fields=fields)


def claim(*, question: Interrupt, actor: Any, now: datetime) -> Interrupt:
    """Tell the others that the actor will answer; nobody is kept from answering before.

    Claiming again changes nothing. Raises ClaimedByAnother, NothingToAnswer.
    """
    with acts.act("interrupt.claim") as act:
        mine = Interrupt.objects.open().filter(pk=question.pk, claimed_by=None)
        if mine.update(claimed_by=actor, claimed_at=now):
            shown = {"interrupt_id": question.interrupt_id, "by": actor.get_username()}
            act.append(question.thread.stream_id, Item("interrupt.claimed", shown, _run(question)))
            act.record(question)
    return _as_claimed(question, actor)


def release(*, question: Interrupt, actor: Any) -> Interrupt:
    """Take back a claim of the actor's; without one nothing changes.

    Raises ClaimedByAnother, NothingToAnswer.
    """
    with acts.act("interrupt.release") as act:
        mine = Interrupt.objects.open().filter(pk=question.pk, claimed_by=actor)
        if mine.update(claimed_by=None, claimed_at=None):
            shown = {"interrupt_id": question.interrupt_id, "by": actor.get_username()}
            act.append(question.thread.stream_id, Item("interrupt.released", shown, _run(question)))
            act.record(question)
    return _as_claimed(question, actor)


def _run(question: Interrupt) -> Any:
    return question.run.public_id


def _as_claimed(question: Interrupt, actor: Any) -> Interrupt:
    """Return the question as it is now, unless it is not the actor's to claim."""
    question.refresh_from_db(fields=["status", "claimed_by", "claimed_at"])
    if question.status != Interrupt.Status.OPEN:
        raise _too_late(question.thread, question.interrupt_id)
    if question.claimed_by is not None and question.claimed_by != actor:
        who, when = question.claimed_by.get_username(), question.claimed_at
        raise ClaimedByAnother(f"{who} claimed this already, at {when:%Y-%m-%d %H:%M:%S} UTC.")
    return question


def take(
    *,
    thread: Thread,
    run: Run,
    command: Mapping[str, Any],
    actor: Any,
    act: acts.Act,
    now: datetime,
) -> dict[str, Any]:
    """Return the command with its answer bound to interrupt ids, marking those answered.

    Runs inside the act that starts `run`. Raises NothingToAnswer naming who answered first,
    Invalid when the answer fits several questions.
    """
    if command.get("resume") is None:
        return dict(command)
    waiting = {row.interrupt_id: row for row in _waiting(thread)}
    answers = _by_interrupt(command["resume"], waiting, thread)
    for interrupt_id, answer in answers.items():
        question = waiting.get(interrupt_id)
        if question is None or not _mark(question, run, answer, actor, now):
            raise _too_late(thread, interrupt_id)
        shown = {"interrupt_id": interrupt_id, "by": actor.get_username()}
        act.append(thread.stream_id, Item("interrupt.answered", shown, run.public_id))
        act.record(question, act="interrupt.answer", data={"run_id": str(run.public_id)})
    return {**command, "resume": answers}


def _waiting(thread: Thread) -> list[Interrupt]:
    return list(Interrupt.objects.open().filter(thread=thread).order_by("id"))


def _by_interrupt(resume: Any, waiting: Mapping[str, Interrupt], thread: Thread) -> dict[str, Any]:
    if isinstance(resume, dict) and resume and all(_is_interrupt_id(key) for key in resume):
        return resume
    if not waiting:
        raise _too_late(thread, None)
    if len(waiting) > 1:
        raise Invalid(
            f"{len(waiting)} questions are open. Answer by id: "
            '{"resume": {"<interrupt id>": <answer>}}.',
            code="answer_by_id",
        )
    return {next(iter(waiting)): resume}


def _is_interrupt_id(key: str) -> bool:
    return len(key) == 32 and all(character in "0123456789abcdef" for character in key)


def _mark(question: Interrupt, run: Run, answer: Any, actor: Any, now: datetime) -> bool:
    open_question = Interrupt.objects.filter(pk=question.pk, status=Interrupt.Status.OPEN)
    return bool(
        open_question.update(
            status=Interrupt.Status.ANSWERED,
            answer=answer,
            answered_by=actor,
            answered_at=now,
            answer_run=run,
        )
    )


def _too_late(thread: Thread, interrupt_id: str | None) -> NothingToAnswer:
    answered = Interrupt.objects.filter(thread=thread, status=Interrupt.Status.ANSWERED)
    if interrupt_id is not None:
        answered = answered.filter(interrupt_id=interrupt_id)
    last = answered.select_related("answered_by").order_by("-answered_at").first()
    if last is None or last.answered_by is None:
        return NothingToAnswer("This thread waits for no answer.")
    who, when = last.answered_by.get_username(), last.answered_at
    return NothingToAnswer(f"{who} answered this already, at {when:%Y-%m-%d %H:%M:%S} UTC.")


def reopen(*, run: Run, act: acts.Act, stream_id: int) -> None:
    """Open again what a run was to answer and never did, inside the act that ends it."""
    for question in Interrupt.objects.filter(answer_run=run, status=Interrupt.Status.ANSWERED):
        Interrupt.objects.filter(pk=question.pk).update(
            status=Interrupt.Status.OPEN, answered_by=None, answered_at=None, answer_run=None
        )
        shown = {"interrupt_id": question.interrupt_id}
        act.append(stream_id, Item("interrupt.reopened", shown, run.public_id))
