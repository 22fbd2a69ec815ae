"""The addresses of this app's API, below /api."""

from __future__ import annotations

from django.urls import path

from . import assistants, graphs, interrupts, missing, runs, state, stateless, store, threads

THREAD = "threads/<str:thread_id>"
RUN = f"{THREAD}/runs/<str:run_id>"
ASSISTANT = "assistants/<str:assistant_id>"

urlpatterns = [
    *missing.urlpatterns,
    path("graphs", graphs.GraphsView.as_view()),
    path("graphs/<str:graph_id>", graphs.GraphView.as_view()),
    path("assistants", assistants.AssistantsView.as_view()),
    path("assistants/search", assistants.AssistantSearchView.as_view()),
    path("assistants/count", assistants.AssistantCountView.as_view()),
    path(ASSISTANT, assistants.AssistantView.as_view()),
    path(f"{ASSISTANT}/graph", assistants.AssistantGraphView.as_view()),
    path(f"{ASSISTANT}/schemas", assistants.AssistantSchemasView.as_view()),
    path(f"{ASSISTANT}/subgraphs", assistants.AssistantSubgraphsView.as_view()),
    path(f"{ASSISTANT}/subgraphs/<str:namespace>", assistants.AssistantSubgraphView.as_view()),
    path(f"{ASSISTANT}/versions", assistants.AssistantVersionsView.as_view()),
    path(f"{ASSISTANT}/latest", assistants.AssistantLatestView.as_view()),
    path("threads", threads.ThreadsView.as_view()),
    path("threads/search", threads.ThreadSearchView.as_view()),
    path("threads/count", threads.ThreadCountView.as_view()),
    path(THREAD, threads.ThreadView.as_view()),
    path(f"{THREAD}/state", state.StateView.as_view()),
    path(f"{THREAD}/state/checkpoint", state.StateAtCheckpointView.as_view()),
    path(f"{THREAD}/state/<str:checkpoint_id>", state.StateAtView.as_view()),
    path(f"{THREAD}/history", state.HistoryView.as_view()),
    path(f"{THREAD}/runs", runs.RunsView.as_view()),
    path(f"{THREAD}/runs/stream", runs.RunStreamView.as_view()),
    path(f"{THREAD}/runs/wait", runs.RunWaitView.as_view()),
    path(RUN, runs.RunView.as_view()),
    path(f"{RUN}/join", runs.RunJoinView.as_view()),
    path(f"{RUN}/stream", runs.RunJoinStreamView.as_view()),
    path(f"{RUN}/cancel", runs.RunCancelView.as_view()),
    path("runs", stateless.AloneRunsView.as_view()),
    path("runs/stream", stateless.AloneStreamView.as_view()),
    path("runs/wait", stateless.AloneWaitView.as_view()),
    path("runs/batch", stateless.RunBatchView.as_view()),
    path("runs/cancel", stateless.RunsCancelView.as_view()),
    path("store/items", store.StoreItemsView.as_view()),
    path("store/items/search", store.StoreSearchView.as_view()),
    path("store/namespaces", store.StoreNamespacesView.as_view()),
    path("interrupts", interrupts.InterruptsView.as_view()),
    path("interrupts/<int:interrupt_key>/answer", interrupts.InterruptAnswerView.as_view()),
    path("interrupts/<int:interrupt_key>/claim", interrupts.InterruptClaimView.as_view()),
    path("interrupts/<int:interrupt_key>/release", interrupts.InterruptReleaseView.as_view()),
]
