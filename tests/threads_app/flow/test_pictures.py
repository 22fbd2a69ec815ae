"""Pictures of runs: the fold itself, on logs that could have been."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from threads_app.selectors.pictures import KINDS, Event, Picture

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
RUNS = [UUID(int=1), UUID(int=2)]


class Log:
    """Writes events one after the other, one second apart."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.run = RUNS[0]

    def add(self, kind: str, **payload: object) -> None:
        seq = len(self.events) + 1
        at = BEGIN + timedelta(seconds=seq)
        self.events.append(Event(seq, self.run, kind, payload, at))

    def start(self, task: str, node: str = "node", ns: str = "") -> None:
        self.add("task.started", ns=ns, id=task, name=node, triggers=[])

    def finish(
        self, task: str, node: str = "node", ns: str = "", *, error: str = "", asks: str = ""
    ) -> None:
        questions = [asks] if asks else []
        self.add(
            "task.finished", ns=ns, id=task, name=node, error=error or None, interrupts=questions
        )

    def checkpoint(self, step: int, ns: str = "") -> None:
        self.add("checkpoint", ns=ns, checkpoint_id=f"c{step}", step=step, next=["node"])

    def picture(self) -> Picture:
        return Picture().extend(self.events)


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Any order of starts and ends, also of tasks that never began."""
    log = Log()
    spaces = ["", "outer:1", "outer:1|deep:2"]
    for _ in range(draw(st.integers(0, 30))):
        log.run = draw(st.sampled_from(RUNS))
        task, node, ns = draw(
            st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from(spaces))
        )
        match draw(st.sampled_from(["start", "end", "fail", "ask", "drop", "checkpoint", "run"])):
            case "start":
                log.start(task, node, ns)
            case "end":
                log.finish(task, node, ns)
            case "fail":
                log.finish(task, node, ns, error="ValueError")
            case "ask":
                log.finish(task, node, ns, asks=f"q{task}")
            case "drop":
                log.add("interrupt.dropped", interrupt_id=f"q{task}")
            case "checkpoint":
                log.checkpoint(draw(st.integers(-1, 5)), ns)
            case _:
                log.add(draw(st.sampled_from([kind for kind in KINDS if kind[:3] == "run"])))
    return log.events


class TestTheFold:
    @settings(max_examples=40)
    @given(logs(), st.integers(0, 30))
    def test_goes_on_from_any_cut_to_the_same_picture(self, log: list[Event], cut: int) -> None:
        first = Picture().extend(log[:cut])

        assert first.extend(log[cut:]) == Picture().extend(log)

    @settings(max_examples=40)
    @given(logs(), st.integers(0, 30))
    def test_takes_what_it_has_taken_without_a_change(self, log: list[Event], back: int) -> None:
        picture = Picture().extend(log)
        before = copy.deepcopy(picture)

        assert picture.extend(log[back:]) == before

    @settings(max_examples=40)
    @given(logs())
    def test_counts_what_is_under_way_as_it_is(self, log: list[Event]) -> None:
        picture = Picture().extend(log)

        under_way = sum(node.running for node in picture.nodes.values())
        waiting = sum(node.waiting for node in picture.nodes.values())
        assert under_way == len(picture.running)
        assert waiting == len(picture.waiting)


class TestAStep:
    def states(self, log: Log) -> Sequence[tuple[str, int, bool]]:
        picture = Picture()
        steps = [step for event in log.events if (step := picture.apply(event)) is not None]
        return [(step.state, step.attempt, step.is_resumed) for step in steps]

    def test_that_failed_and_begins_again_is_the_next_attempt(self) -> None:
        log = Log()
        log.start("a")
        log.finish("a", error="ValueError")
        log.start("a")
        log.finish("a")

        assert self.states(log) == [("error", 1, False), ("success", 2, False)]
        assert log.picture().attempts == {3: 2}

    def test_that_a_worker_lost_is_cut_off_and_tried_again(self) -> None:
        log = Log()
        log.add("run.running")
        log.start("a")
        log.add("run.pending")
        log.add("run.running")
        log.start("a")

        assert self.states(log) == [("lost", 1, False), ("running", 2, False)]

    def test_that_asked_goes_on_with_the_answer_in_another_run(self) -> None:
        log = Log()
        log.start("a")
        log.finish("a", asks="q")
        log.run = RUNS[1]
        log.start("a")
        log.finish("a")

        assert self.states(log) == [("answered", 1, False), ("success", 1, True)]
        assert log.picture().nodes["node"].visits == 1

    def test_whose_question_is_dropped_waits_no_more(self) -> None:
        log = Log()
        log.start("a")
        log.finish("a", asks="q")
        log.add("interrupt.dropped", interrupt_id="q")

        assert self.states(log) == [("dropped", 1, False)]
        assert log.picture().nodes["node"].state == "dropped"

    def test_knows_its_subgraphs_and_the_step_it_is_of(self) -> None:
        log = Log()
        log.checkpoint(0, "outer:1|deep:2|1")
        log.start("a", "inner", "outer:1|deep:2|1")

        step = next(iter(log.picture().running.values()))
        assert (step.path, step.key) == (("outer", "deep"), "outer:deep:inner")
        assert (step.number, step.checkpoint_id) == (1, "c0")

    def test_is_forgotten_once_it_ended_well(self) -> None:
        log = Log()
        for number in range(2000):
            log.checkpoint(number, f"outer:{number}")
            log.start(f"t{number}", "inner", f"outer:{number}")
            log.finish(f"t{number}", "inner", f"outer:{number}")
            log.start(str(number), "outer")
            log.finish(str(number), "outer")
        picture = log.picture()

        assert picture.steps == 4000
        assert (len(picture.heads), len(picture.layers)) == (0, 0)
        assert max(len(node.spans) for node in picture.nodes.values()) < 30
        assert not picture.running and not picture.attempts
