from __future__ import annotations

import django
import pytest
from langgraph.types import Command
from pydantic import ValidationError

from threads_app.graphs.encoding import plain

THREAD = {"configurable": {"thread_id": "thread-1", "session_id": "session-1"}}
ELSEWHERE = {"configurable": {"thread_id": "thread-2", "session_id": "session-2"}}
FEW = {"only": ["django", "Django_Auditlog", "packaging"], "batch_size": 2}


@pytest.fixture
def inventory(bound):
    return bound("inventory")


@pytest.fixture
def analysis(bound):
    return bound("analysis")


@pytest.fixture
def report(bound):
    return bound("report")


@pytest.fixture
def analyze(inventory, analysis):
    """Return a function that hands an inventory to the analysis, as a plan does."""

    def run(value):
        handed_over = plain(inventory.invoke(value, THREAD))
        analysis.invoke({**handed_over, "batch_size": 2}, THREAD)
        return analysis.get_state(THREAD).values

    return run


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put the metadata of a distribution on the path, as an installer would."""
    monkeypatch.syspath_prepend(tmp_path / "site")

    def put(name: str, *lines: str, record: str | None = None) -> None:
        folder = tmp_path / "site" / f"{name}-1.0.dist-info"
        folder.mkdir(parents=True)
        head = ["Metadata-Version: 2.4", f"Name: {name}", *lines]
        (folder / "METADATA").write_text("\n".join(head) + "\n", "utf-8")
        if record is not None:
            (folder / "RECORD").write_text(record, "utf-8")

    return put


def findings_of(state):
    return {(item.package, item.check, item.severity.value) for item in state["findings"]}


def test_the_demo_project_loads_completely(demo):
    assert set(demo) == {"inventory", "analysis", "report", "chat"}
    for loaded in demo.values():
        assert loaded.spec.description
        assert loaded.description.missing_schemas == {}
    assert list(demo["analysis"].description.subgraphs) == ["batch"]


def test_an_audit_of_everything_names_real_packages_and_asks(analyze, report, var):
    analyzed = analyze({})
    state = report.invoke({}, THREAD)

    assert f"| django | {django.__version__} | BSD-3-Clause |" in state["report"]
    assert len(state["packages"]) == state["machine"].packages > 50
    assert sum(len(str(value)) for value in analyzed.values()) < 200_000
    (question,) = report.get_state(THREAD).interrupts
    assert question.value["file"] == "reports/thread-1.md"
    assert question.value["summary"] == analyzed["summary"]
    assert question.value["summary"]["packages"] == len(state["packages"])
    assert question.response_schema["properties"]["action"]["enum"] == ["approve", "reject"]
    assert not var.exists()


def test_an_approved_report_is_published_once_however_often(analyze, report, var):
    analyze(FEW)
    report.invoke({}, THREAD)

    first = report.invoke(Command(resume={"action": "approve"}), THREAD)
    report.invoke({}, THREAD)
    report.invoke(Command(resume={"action": "approve"}), THREAD)

    (file,) = (var / "reports").iterdir()
    assert first["published"] == str(file.resolve())
    assert "| packaging |" in file.read_text("utf-8")


def test_a_rejected_report_is_not_published_and_the_reason_is_kept(analyze, report, var):
    analyze(FEW)
    report.invoke({}, THREAD)

    state = report.invoke(Command(resume={"action": "reject", "reason": "Too early."}), THREAD)

    decision = report.get_state(THREAD).values["decision"]
    assert (decision.action, decision.reason) == ("reject", "Too early.")
    assert state["published"] is None
    assert not var.exists()


def test_an_answer_that_does_not_fit_leaves_the_question_open(analyze, report):
    analyze(FEW)
    report.invoke({}, THREAD)

    with pytest.raises(ValidationError):
        report.invoke(Command(resume={"action": "perhaps"}), THREAD)

    assert report.get_state(THREAD).interrupts
    assert report.invoke(Command(resume={"action": "approve"}), THREAD)["published"]


def test_a_second_audit_of_a_session_starts_afresh(analyze, report):
    analyze(FEW)
    report.invoke({}, THREAD)
    report.invoke(Command(resume={"action": "approve"}), THREAD)

    analyze({"only": ["packaging"]})
    state = report.invoke({}, THREAD)

    assert [item.name for item in state["packages"]] == ["packaging"]
    assert (state["decision"], state["published"]) == (None, None)


def test_a_report_finds_the_analysis_of_its_own_session_only(analyze, report):
    analyze(FEW)

    with pytest.raises(LookupError, match="run the analysis first"):
        report.invoke({}, ELSEWHERE)


def test_an_audit_of_nothing_still_writes_a_report(analyze, report):
    analyze({"only": ["no-such-package-anywhere"]})
    state = report.invoke({}, THREAD)

    assert "0 packages take" in state["report"]
    assert "Nothing to report." in state["report"]


@pytest.mark.parametrize(("name", "text"), [("inventory", "read"), ("analysis", "checked")])
def test_progress_adds_up_to_all_packages(bound, inventory, name, text):
    given = FEW if name == "inventory" else {**plain(inventory.invoke(FEW, THREAD)), **FEW}

    events = list(bound(name).stream(given, THREAD, stream_mode="custom"))

    progress = [event for event in events if event["kind"] == "progress"]
    assert sum(event["checked"] for event in progress) == progress[0]["total"] == 3
    assert {event["text"] for event in progress} >= {f"{text} 1 to 2 of 3 packages"}


async def test_an_audit_runs_on_an_event_loop_too(inventory, analysis):
    handed_over = await inventory.ainvoke(FEW, THREAD)
    state = await analysis.ainvoke(plain(handed_over), THREAD)

    names = {item.name for item in handed_over["packages"]}
    assert names == {"django", "django-auditlog", "packaging"}
    assert state["summary"]["packages"] == 3


def test_types_come_back_from_a_strict_saver(inventory, analyze):
    analyzed = analyze(FEW)

    for values in (inventory.get_state(THREAD).values, analyzed):
        kinds = {type(value).__name__ for value in (values["machine"], *values["packages"])}
        assert kinds == {"Machine", "Package"}


class TestFindings:
    def test_problems_of_a_package_are_found(self, analyze, install):
        install(
            "troubled",
            "Version: 1.0",
            "License-Expression: GPL-3.0-only",
            "Requires-Dist: django<2",
            "Requires-Dist: no-such-package-anywhere",
            'Requires-Dist: other-missing; extra == "more"',
            'Requires-Dist: windows-only; sys_platform == "win32"',
        )

        found = findings_of(analyze({"only": ["troubled"]}))

        assert found == {
            ("troubled", "license", "medium"),
            ("troubled", "metadata", "low"),
            ("troubled", "requirements", "high"),
        }

    def test_each_unmet_requirement_is_named_with_both_versions(self, analyze, install):
        install("troubled", "Version: 1.0", "Requires-Dist: django<2", "Requires-Dist: nothing-so")

        state = analyze({"only": ["troubled"]})

        messages = {item.message for item in state["findings"] if item.check == "requirements"}
        assert messages == {
            f"Needs django<2, but {django.__version__} is installed.",
            "Needs nothing-so, which is not installed.",
        }

    def test_a_package_that_is_there_twice_is_found(self, analyze, install):
        install("Packaging", "Version: 0.1", record="")

        assert ("packaging", "copies", "medium") in findings_of(analyze({"only": ["packaging"]}))

    def test_damaged_metadata_does_not_stop_the_audit(self, analyze, install):
        install("damaged", "Requires-Dist: ((not a requirement", record="a,b,c\nx,,notanumber\n")

        found = findings_of(analyze({"only": ["damaged"]}))

        assert ("damaged", "metadata", "high") in found

    def test_circles_of_requirements_have_an_end(self, analyze, install):
        install("ring-a", "Version: 1", "Requires-Dist: ring-b")
        install("ring-b", "Version: 1", "Requires-Dist: ring-a")

        state = analyze({"only": ["ring-a", "ring-b"]})

        assert {item.depth for item in state["packages"]} == {0, 1}

    def test_metadata_cannot_break_out_of_its_table(self, analyze, report, install):
        install("evil", "Version: 1", "License-Expression: <b>|x|</b> `[a](b)`")

        analyze({"only": ["evil"]})
        written = report.invoke({}, THREAD)["report"]

        assert r"\<b\>\|x\|\</b\> \`\[a\](b)\`" in written


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("MIT", "permissive"),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", "weak copyleft"),
        ("GPL-3.0-only OR MIT", "permissive"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "copyleft"),
        ("LGPL-2.1+ AND MIT", "weak copyleft"),
        ("ask our lawyers", "unknown"),
        ("", "unknown"),
    ],
)
def test_license_expressions_are_classified(demo, expression, kind):
    from environment_audit.licenses import kind_of

    assert kind_of(expression) == kind


def test_report_names_are_safe_and_stay_different(demo):
    from environment_audit.document import file_name

    names = {file_name(name) for name in ("../../etc/x", "..-..-etc-x", "a/b", "a b", "a-b", "")}

    assert len(names) == 6
    assert not any(set("/. ") & set(name) for name in names)
