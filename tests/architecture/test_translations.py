"""Compiled translations are committed, since no gettext is needed to run; they must be current."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib

from architecture.source_tree import ROOT, product
from services import requirement

LANGUAGE = "zh_Hans"


def sources() -> list[Path]:
    folders = [ROOT / "locale", *ROOT.glob("*/locale")]
    return [path for folder in folders for path in folder.rglob("*.po")]


def test_every_compiled_translation_equals_its_source() -> None:
    for path in sources():
        source = polib.pofile(str(path))
        compiled = polib.mofile(str(path.with_suffix(".mo")))
        wanted = {
            (entry.msgctxt, entry.msgid): entry.msgstr_plural or entry.msgstr
            for entry in source.translated_entries()
        }
        assert wanted == {
            (entry.msgctxt, entry.msgid): entry.msgstr_plural or entry.msgstr for entry in compiled
        }, path


def test_no_translation_is_missing_or_doubtful() -> None:
    for path in sources():
        source = polib.pofile(str(path))
        doubtful = [*source.untranslated_entries(), *source.fuzzy_entries()]
        assert [entry.msgid for entry in doubtful] == [], path


def test_words_are_marked_by_names_that_gettext_looks_for() -> None:
    alias = re.compile(r"import .*gettext\w* as (?!_\b)\w+")
    hidden = [source.name for source in product() if alias.search(source.text)]

    assert hidden == []


def test_every_word_of_pages_and_code_is_in_the_catalogue(tmp_path: Path) -> None:
    if shutil.which("xgettext") is None:
        requirement.lacking("gettext is not installed: words cannot be collected")
    spoken = ["checkpoints_app", "sessions_app", "templates", "threadhub", "threads_app"]
    for folder in spoken:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.[mp]o"))
    (tmp_path / "locale").mkdir()

    subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "-v", "0", "-l", LANGUAGE],
        cwd=tmp_path,
        # Without settings the words of all folders go to the one that was made here.
        env={**os.environ, "DJANGO_SETTINGS_MODULE": ""},
        check=True,
        timeout=120,
    )

    found = tmp_path.rglob("*.po")
    asked = {(entry.msgctxt, entry.msgid) for path in found for entry in polib.pofile(str(path))}
    known = {
        (entry.msgctxt, entry.msgid)
        for path in sources()
        for entry in polib.pofile(str(path)).translated_entries()
    }
    assert len(asked) > 200
    assert asked - known == set(), "Run `make messages` and translate what is new."
