"""Routes about questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from threadhub.kernel import clock
from threadhub.kernel.api.views import ProtectedView, queried, validated
from threads_app.models import Interrupt
from threads_app.services import interrupts, runs

from . import inputs, outputs

if TYPE_CHECKING:
    from rest_framework.request import Request

RELATED = ("thread", "run__graph", "answered_by", "claimed_by")
LIST_LIMIT = 100


class InterruptsView(ProtectedView):
    """/interrupts."""

    protected = Interrupt
    needs = {"GET": "read"}

    @extend_schema(
        operation_id="list_interrupts",
        parameters=[inputs.InterruptListQuery],
        responses={200: outputs.InterruptOutput(many=True), 422: outputs.ErrorOutput},
    )
    def get(self, request: Request) -> Response:
        """Return the oldest 100 open questions the caller may see, of one thread if it is named."""
        given = queried(inputs.InterruptListQuery, request)
        found = self.visible(*RELATED)
        if named := given.get("thread_id"):
            found = found.filter(thread__public_id=named)
        waiting = found.open().order_by("id")[:LIST_LIMIT]  # type: ignore[attr-defined]
        return Response([outputs.interrupt(row) for row in waiting])


class InterruptAnswerView(ProtectedView):
    """/interrupts/{id}/answer."""

    protected = Interrupt
    needs = {"POST": "execute"}
    tells = "read"

    @extend_schema(
        operation_id="answer_interrupt",
        request=inputs.AnswerInput,
        responses={
            202: outputs.RunOutput,
            404: outputs.ErrorOutput,
            409: outputs.ErrorOutput,
            422: outputs.ErrorOutput,
        },
    )
    def post(self, request: Request, interrupt_key: int) -> Response:
        """Answer a question once; the run that carries the answer is returned."""
        question = self.find(*RELATED, pk=interrupt_key)
        given = validated(inputs.AnswerInput, request)
        run = runs.answer(
            question=question, answer=given["answer"], actor=request.user, now=clock.now()
        )
        return Response(outputs.run(run, is_told=question.is_told), status=202)


class InterruptClaimView(ProtectedView):
    """/interrupts/{id}/claim."""

    protected = Interrupt
    needs = {"POST": "execute"}
    tells = "read"

    @extend_schema(
        operation_id="claim_interrupt",
        request=None,
        responses={
            200: outputs.InterruptOutput,
            404: outputs.ErrorOutput,
            409: outputs.ErrorOutput,
        },
    )
    def post(self, request: Request, interrupt_key: int) -> Response:
        """Tell the others that the caller will answer; they still may."""
        question = self.find(*RELATED, pk=interrupt_key)
        found = interrupts.claim(question=question, actor=request.user, now=clock.now())
        return Response(outputs.interrupt(found, is_told=question.is_told))


class InterruptReleaseView(ProtectedView):
    """/interrupts/{id}/release."""

    protected = Interrupt
    needs = {"POST": "execute"}
    tells = "read"

    @extend_schema(
        operation_id="release_interrupt",
        request=None,
        responses={
            200: outputs.InterruptOutput,
            404: outputs.ErrorOutput,
            409: outputs.ErrorOutput,
        },
    )
    def post(self, request: Request, interrupt_key: int) -> Response:
        """Take back the caller's claim."""
        question = self.find(*RELATED, pk=interrupt_key)
        found = interrupts.release(question=question, actor=request.user)
        return Response(outputs.interrupt(found, is_told=question.is_told))
