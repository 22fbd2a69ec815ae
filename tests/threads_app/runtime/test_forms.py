"""Every form in which projects export graphs, through the real engine and store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from checkpoints_app.saver import ThreadHubSaver
from services.observing import kinds
from threadhub.kernel import audit, clock
from threads_app.graphs import catalog, loaded
from threads_app.graphs.contexts import ContextUnfit
from threads_app.models import Interrupt, Run, Thread
from threads_app.runtime import execution
from threads_app.runtime.engine import Engine
from threads_app.services import graphs, runs, state

PROJECT = Path(__file__).resolve().parents[2] / "projects" / "forms" / "langgraph.json"
OWN_MODULES = (
    "threadhub_projects.forms",
    "forms_types",
    "shared_graphs",
    "laid_out",
    "tool_graphs",
)

STATIC = ["compiled", "uncompiled", "with config", "own saver", "functional", "pregel", "prebuilt"]
STATIC += ["context", "context model", "nested", "module", "member", "working directory"]
FACTORIES = ["sync", "sync config", "sync runtime", "optional", "builder", "wrapped", "partial"]
FACTORIES += ["object", "async", "async both", "async optional", "manager", "generator"]
FACTORIES += ["sync manager", "traced"]
NUMBER = {"number": 1}
INPUTS: dict[str, Any] = {"prebuilt": {"messages": [["user", "go"]]}}

Make = Callable[[str], Thread]
Start = Callable[..., Run]


def forget() -> None:
    """Forget everything a process remembers of the project, as a restart does."""
    catalog.configure([])
    catalog.configure([PROJECT])
    loaded.compiled.clear()
    ThreadHubSaver().close()
    for name in [name for name in sys.modules if name.startswith(OWN_MODULES)]:
        del sys.modules[name]


@pytest.fixture
def project(
    transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Load the project of all forms and return the module of its factories."""
    monkeypatch.setenv("FORMS_GREETING", "hello")
    monkeypatch.setattr(sys, "path", list(sys.path))
    settings.PROJECTS = [PROJECT]
    graphs.load(now=clock.now())
    yield factories()
    ThreadHubSaver().close()


@pytest.fixture(scope="module", autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    forget()
    catalog.configure([])


def factories() -> Any:
    return sys.modules["threadhub_projects.forms.factories"]


def waiting(thread: Thread) -> str:
    return Interrupt.objects.open().get(thread=thread).interrupt_id


def ends(runs: dict[str, Run]) -> dict[str, tuple[str, str]]:
    for run in runs.values():
        run.refresh_from_db()
    return {name: (run.status, run.error_message) for name, run in runs.items()}


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("names", [STATIC, FACTORIES], ids=["static", "factories"])
def test_a_graph_of_every_form_pauses_finishes_and_is_the_same_after_a_restart(
    names: list[str], make_engine: Callable[[], Engine], make_thread: Make, start: Start
) -> None:
    threads = {name: make_thread(name) for name in names}
    first = {name: start(threads[name], input=INPUTS.get(name, NUMBER)) for name in names}
    engine = make_engine()
    for run in first.values():
        engine.execute(run_id=run.pk)
    assert ends(first) == dict.fromkeys(names, ("interrupted", ""))

    forget()
    engine = make_engine()
    answers = {name: {"resume": {waiting(threads[name]): "yes"}} for name in names}
    second = {name: start(threads[name], command=answers[name]) for name in names}
    for run in second.values():
        engine.execute(run_id=run.pk)

    assert ends(second) == dict.fromkeys(names, ("success", ""))
    shown = {name: str(state.read(thread=threads[name])["values"]) for name in names}
    assert {name for name in names if "answered yes" in shown[name]} == set(names)
    assert {name for name in names if "Color+Card+Point" in shown[name]} == set(names)
    built = {name for name in names if "graph.built" in kinds(threads[name])}
    assert built == set(names) & set(FACTORIES)
    before = {name: state.history(thread=threads[name], limit=20) for name in names}
    assert min(len(states) for states in before.values()) >= 2
    forget()
    assert {name: state.history(thread=threads[name], limit=20) for name in names} == before


@pytest.mark.django_db(transaction=True)
class TestAFactory:
    def test_is_told_who_acts_and_what_for(
        self, engine: Engine, make_thread: Make, start: Start, person: Any
    ) -> None:
        thread = make_thread("sync runtime")
        factories().log.clear()

        engine.execute(run_id=start(thread, input=NUMBER).pk)
        with audit.acting_as(audit.Actor(person.pk, "olga")):
            state.read(thread=thread)
            state.update(thread=thread, values={"number": 2}, as_node="prepare", now=clock.now())

        who = str(person.pk)
        assert factories().log == [
            ("sync runtime", "threads.create_run", who),
            ("sync runtime", "threads.read", who),
            ("sync runtime", "threads.update", who),
        ]

    def test_is_asked_for_its_shape_by_a_named_system_user(self, project: Any) -> None:
        forget()
        graphs.load(now=clock.now())

        assert ("sync runtime", "assistants.read", "threadhub") in factories().log

    def test_gets_the_config_of_the_run(
        self, engine: Engine, make_thread: Make, start: Start, person: Any
    ) -> None:
        run = start(
            make_thread("sync config"), input=NUMBER, config={"configurable": {"tone": "low"}}
        )

        engine.execute(run_id=run.pk)

        assert factories().log[-1] == ("sync config", str(person.pk), "low")

    @pytest.mark.parametrize("form", ["manager", "generator", "sync manager"])
    def test_context_is_left_after_the_run(
        self, form: str, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        factories().log.clear()

        engine.execute(run_id=start(make_thread(form), input=NUMBER).pk)

        assert [words[:2] for words in factories().log] == [(form, "entered"), (form, "left")]

    def test_context_is_left_when_a_node_fails(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        factories().log.clear()
        run = start(make_thread("manager"), input={"number": 0})

        engine.execute(run_id=run.pk)

        run.refresh_from_db()
        assert run.status == "error"
        assert factories().log[-1][1] == "left"

    def test_context_is_left_when_the_run_is_cancelled(
        self,
        engine: Engine,
        make_thread: Make,
        start: Start,
        person: Any,
        in_background: Any,
        wait_until: Any,
    ) -> None:
        run = start(make_thread("waits"), input=NUMBER)
        factories().log.clear()
        in_background(lambda: engine.execute(run_id=run.pk))
        wait_until(lambda: ("waits", "node") in factories().log, timeout=10)

        runs.cancel(run=run, actor=person, now=clock.now())
        engine.look_for_cancelled()

        wait_until(lambda: ("waits", "left") in factories().log, timeout=10)
        wait_until(lambda: ends({"it": run})["it"][0] == "cancelled", timeout=10)

    def test_that_builds_another_graph_ends_the_run_with_one_sentence(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        run = start(make_thread("shifting"), input=NUMBER, config={"configurable": {"extra": True}})

        engine.execute(run_id=run.pk)

        run.refresh_from_db()
        assert (run.status, run.error_kind, run.error_class) == ("error", "graph", "GraphChanged")
        assert "the node `extra` is new" in run.error_message

    @pytest.mark.parametrize("how", ["sync", "async"])
    def test_that_hangs_is_cut(
        self, how: str, engine: Engine, make_thread: Make, start: Start, settings: Any
    ) -> None:
        settings.BUILD_SECONDS = 0.3
        run = start(make_thread("hanging"), input=NUMBER, config={"configurable": {"hang": how}})

        engine.execute(run_id=run.pk)

        run.refresh_from_db()
        assert (run.status, run.error_class) == ("error", "BuildTooSlow")
        assert "within 0.3 s" in run.error_message

    def test_that_blocks_its_loop_holds_up_no_later_run(
        self,
        make_engine: Callable[[], Engine],
        make_thread: Make,
        start: Start,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        settings.BUILD_SECONDS, settings.LOOPS = 0.3, 1
        monkeypatch.setattr(execution, "GRACE_SECONDS", 0.3)
        engine = make_engine()
        blocked = start(
            make_thread("hanging"), input=NUMBER, config={"configurable": {"hang": "block"}}
        )
        later = start(make_thread("sync"), input=NUMBER)

        engine.execute(run_id=blocked.pk)
        engine.execute(run_id=later.pk)

        found = ends({"blocked": blocked, "later": later})
        assert found["blocked"][0] == "error" and "blocks its event loop" in found["blocked"][1]
        assert found["later"] == ("interrupted", "")
        assert graphs.cache_counts()[1].builds > 0

    def test_that_raises_at_run_time_leaves_the_thread_usable(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        thread = make_thread("hanging")
        run = start(thread, input=NUMBER, config={"configurable": {"hang": "raise"}})

        engine.execute(run_id=run.pk)
        again = start(thread, input=NUMBER)
        engine.execute(run_id=again.pk)

        assert ends({"first": run})["first"] == ("error", "no hanging today")
        assert ends({"again": again})["again"] == ("interrupted", "")


@pytest.mark.django_db(transaction=True)
class TestAContext:
    def test_is_filled_with_the_defaults_of_the_schema(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        thread = make_thread("context")

        engine.execute(run_id=start(thread, input=NUMBER, context={"limit": 5}).pk)

        assert state.read(thread=thread)["values"]["trail"][0] == "en 5"

    def test_is_taken_from_the_configurable_values_where_none_is_given(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        thread = make_thread("context model")
        config = {"configurable": {"language": "de", "unknown": 1}}

        engine.execute(run_id=start(thread, input=NUMBER, config=config).pk)

        assert state.read(thread=thread)["values"]["trail"][0] == "de 3"

    def test_stays_that_of_the_run_that_asked_when_it_is_answered(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        thread = make_thread("demanding")
        engine.execute(run_id=start(thread, input=NUMBER, context={"user": "olga"}).pk)

        run = start(thread, command={"resume": {waiting(thread): "yes"}})
        engine.execute(run_id=run.pk)

        assert ends({"it": run})["it"] == ("success", "")
        assert state.read(thread=thread)["values"]["trail"][-1] == "for olga"

    @pytest.mark.parametrize(
        ("given", "field"), [(None, "user"), ({}, "user"), ({"user": "o", "usr": 1}, "usr")]
    )
    def test_that_does_not_fit_is_refused_with_its_fields(
        self, given: Any, field: str, make_thread: Make, start: Start
    ) -> None:
        with pytest.raises(ContextUnfit) as refused:
            start(make_thread("demanding"), input=NUMBER, context=given)

        assert refused.value.fields is not None and list(refused.value.fields) == [field]

    def test_is_not_sent_to_a_graph_without_a_schema(
        self, engine: Engine, make_thread: Make, start: Start
    ) -> None:
        run = start(make_thread("compiled"), input=NUMBER, context={"stray": 1})

        engine.execute(run_id=run.pk)

        assert ends({"it": run})["it"] == ("interrupted", "")
