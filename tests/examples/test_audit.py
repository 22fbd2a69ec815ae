from __future__ import annotations

import django
import pytest
from langgraph.types import Command
from pydantic import ValidationError

THREAD = {"configurable": {"thread_id": "thread-1"}}
FEW = {"only": ["django", "Django_Auditlog", "packaging"], "batch_size": 2}


@pytest.fixture
def audit(bound):
    return bound("audit")


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


def findings_of(graph, value):
    state = graph.invoke(value, THREAD)
    return {(item.package, item.check, item.severity.value) for item in state["findings"]}


def test_the_demo_project_loads_completely(demo):
    assert set(demo) == {"audit", "chat"}
    assert all(loaded.spec.description for loaded in demo.values())
    assert demo["audit"].description.missing_schemas == {}
    assert list(demo["audit"].description.subgraphs) == ["batch"]


def test_an_audit_of_everything_names_real_packages_and_asks(audit, var):
    state = audit.invoke({}, THREAD)

    assert f"| django | {django.__version__} | BSD-3-Clause |" in state["report"]
    assert len(state["packages"]) == state["machine"].packages > 50
    assert sum(len(str(value)) for value in state.values()) < 200_000
    (question,) = audit.get_state(THREAD).interrupts
    assert question.value["file"] == "reports/thread-1.md"
    assert question.value["summary"]["packages"] == len(state["packages"])
    assert question.response_schema["properties"]["action"]["enum"] == ["approve", "reject"]
    assert not var.exists()


def test_an_approved_report_is_published_once_however_often(audit, var):
    audit.invoke(FEW, THREAD)

    first = audit.invoke(Command(resume={"action": "approve"}), THREAD)
    audit.invoke(FEW, THREAD)
    audit.invoke(Command(resume={"action": "approve"}), THREAD)

    (file,) = (var / "reports").iterdir()
    assert first["published"] == str(file.resolve())
    assert "| packaging |" in file.read_text("utf-8")


def test_a_rejected_report_is_not_published_and_the_reason_is_kept(audit, var):
    audit.invoke(FEW, THREAD)

    state = audit.invoke(Command(resume={"action": "reject", "reason": "Too early."}), THREAD)

    decision = audit.get_state(THREAD).values["decision"]
    assert (decision.action, decision.reason) == ("reject", "Too early.")
    assert state["published"] is None
    assert not var.exists()


def test_an_answer_that_does_not_fit_leaves_the_question_open(audit):
    audit.invoke(FEW, THREAD)

    with pytest.raises(ValidationError):
        audit.invoke(Command(resume={"action": "perhaps"}), THREAD)

    assert audit.get_state(THREAD).interrupts
    assert audit.invoke(Command(resume={"action": "approve"}), THREAD)["published"]


def test_a_second_audit_of_a_thread_starts_afresh(audit):
    audit.invoke(FEW, THREAD)
    audit.invoke(Command(resume={"action": "approve"}), THREAD)

    state = audit.invoke({"only": ["packaging"]}, THREAD)

    assert [item.name for item in state["packages"]] == ["packaging"]
    assert (state["decision"], state["published"]) == (None, None)


def test_an_audit_of_nothing_still_writes_a_report(audit):
    state = audit.invoke({"only": ["no-such-package-anywhere"]}, THREAD)

    assert "0 packages take" in state["report"]
    assert "Nothing to report." in state["report"]


def test_progress_adds_up_to_all_packages(audit):
    events = list(audit.stream(FEW, THREAD, stream_mode="custom"))

    progress = [event for event in events if event["kind"] == "progress"]
    assert sum(event["checked"] for event in progress) == progress[0]["total"] == 3
    assert {event["text"] for event in progress} >= {"checked 1 to 2 of 3 packages"}


async def test_an_audit_runs_on_an_event_loop_too(audit):
    state = await audit.ainvoke(FEW, THREAD)

    assert {item.name for item in state["packages"]} == {"django", "django-auditlog", "packaging"}


def test_types_come_back_from_a_strict_saver(audit):
    audit.invoke(FEW, THREAD)

    values = audit.get_state(THREAD).values

    kinds = {type(value).__name__ for value in (values["machine"], *values["packages"])}
    assert kinds == {"Machine", "Package"}


class TestFindings:
    def test_problems_of_a_package_are_found(self, audit, install):
        install(
            "troubled",
            "Version: 1.0",
            "License-Expression: GPL-3.0-only",
            "Requires-Dist: django<2",
            "Requires-Dist: no-such-package-anywhere",
            'Requires-Dist: other-missing; extra == "more"',
            'Requires-Dist: windows-only; sys_platform == "win32"',
        )

        found = findings_of(audit, {"only": ["troubled"]})

        assert found == {
            ("troubled", "license", "medium"),
            ("troubled", "metadata", "low"),
            ("troubled", "requirements", "high"),
        }

    def test_each_unmet_requirement_is_named_with_both_versions(self, audit, install):
        install("troubled", "Version: 1.0", "Requires-Dist: django<2", "Requires-Dist: nothing-so")

        state = audit.invoke({"only": ["troubled"]}, THREAD)

        messages = {item.message for item in state["findings"] if item.check == "requirements"}
        assert messages == {
            f"Needs django<2, but {django.__version__} is installed.",
            "Needs nothing-so, which is not installed.",
        }

    def test_a_package_that_is_there_twice_is_found(self, audit, install):
        install("Packaging", "Version: 0.1", record="")

        assert ("packaging", "copies", "medium") in findings_of(audit, {"only": ["packaging"]})

    def test_damaged_metadata_does_not_stop_the_audit(self, audit, install):
        install("damaged", "Requires-Dist: ((not a requirement", record="a,b,c\nx,,notanumber\n")

        found = findings_of(audit, {"only": ["damaged"]})

        assert ("damaged", "metadata", "high") in found

    def test_circles_of_requirements_have_an_end(self, audit, install):
        install("ring-a", "Version: 1", "Requires-Dist: ring-b")
        install("ring-b", "Version: 1", "Requires-Dist: ring-a")

        state = audit.invoke({"only": ["ring-a", "ring-b"]}, THREAD)

        assert {item.depth for item in state["packages"]} == {0, 1}

    def test_metadata_cannot_break_out_of_its_table(self, audit, install):
        install("evil", "Version: 1", "License-Expression: <b>|x|</b> `[a](b)`")

        report = audit.invoke({"only": ["evil"]}, THREAD)["report"]

        assert r"\<b\>\|x\|\</b\> \`\[a\](b)\`" in report


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
    from environment_audit.report import file_name

    names = {file_name(name) for name in ("../../etc/x", "..-..-etc-x", "a/b", "a b", "a-b", "")}

    assert len(names) == 6
    assert not any(set("/. ") & set(name) for name in names)
