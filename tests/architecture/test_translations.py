"""Compiled translations are committed, since no gettext is needed to run; they must be current."""

from __future__ import annotations

from pathlib import Path

import polib

from architecture.source_tree import ROOT


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
