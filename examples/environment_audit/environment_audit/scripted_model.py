"""A chat model without a network: its answers come from the installed metadata."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from typing_extensions import override

from environment_audit import answers


class ScriptedChatModel(BaseChatModel):
    """Answers the last human message; equal questions get equal answers and usage."""

    model_name: str = "scripted"

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        tokens = self._tokens(messages)
        message = AIMessage(
            content="".join(tokens),
            usage_metadata=_usage(messages, tokens),
            response_metadata=self._origin(),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def _chunks(self, messages: list[BaseMessage]) -> Iterator[ChatGenerationChunk]:
        tokens = self._tokens(messages)
        for token in tokens:
            yield ChatGenerationChunk(message=AIMessageChunk(content=token))
        last = AIMessageChunk(
            content="",
            usage_metadata=_usage(messages, tokens),
            response_metadata=self._origin(),
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    def _tokens(self, messages: list[BaseMessage]) -> list[str]:
        questions = [message for message in messages if message.type == "human"]
        question = questions[-1].text if questions else ""
        return re.findall(r"\s*\S+", answers.answer(question))

    def _origin(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "model_provider": "local"}


def _usage(messages: Sequence[BaseMessage], tokens: Sequence[str]) -> UsageMetadata:
    # A word counts as one token: enough to see usage add up.
    given = sum(len(message.text.split()) for message in messages)
    return UsageMetadata(
        input_tokens=given, output_tokens=len(tokens), total_tokens=given + len(tokens)
    )
