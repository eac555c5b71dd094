"""What people read is there in Simplified Chinese, and what is shipped is what was written."""

from __future__ import annotations

import ast
import gettext
import re
from functools import cache
from pathlib import Path

import pytest
from django.utils.translation.template import templatize

APP = Path(__file__).resolve().parent.parent / "engagement"
FOLDER = APP / "locale" / "zh_Hans" / "LC_MESSAGES"

# Of each function: where its arguments hold the context, the message and the plural.
FUNCTIONS = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
STRING = r'"(?:[^"\\]|\\.)*"'
PLACEHOLDER = re.compile(r"%\(\w+\)[sdf]|%%|\{\w*\}")


def key(context, message):
    """Return a message the way .mo files name it."""
    return message if context is None else f"{context}\x04{message}"


@cache
def catalogue():
    """Return what the .po file says: forms by message, and the flags of each."""
    found, flags = {}, {}
    for block in (FOLDER / "django.po").read_text(encoding="utf-8").split("\n\n"):
        parts = {
            name: "".join(ast.literal_eval(text) for text in re.findall(STRING, value))
            for name, value in re.findall(
                rf"^(msg\w+(?:\[\d\])?) ((?:{STRING}\n?)+)", block, re.MULTILINE
            )
        }
        name = key(parts.get("msgctxt"), parts.get("msgid", ""))
        forms = {part: text for part, text in parts.items() if part.startswith("msgstr")}
        found[name] = (parts.get("msgid_plural"), list(forms.values()))
        flags[name] = re.findall(r"^#, (.*)$", block, re.MULTILINE)
        assert not block.startswith("#~"), f"obsolete: {block}"
    return found, flags


def messages():
    return {name: forms for name, forms in catalogue()[0].items() if name}


def used():
    """Return every message of the code and the templates, with where it stands."""
    for path in APP.rglob("*.py"):
        if "migrations" not in path.parts:
            yield from ((name, path.name) for name in in_code(path))
    for path in APP.rglob("templates/**/*.html"):
        yield from ((name, path.name) for name in in_template(path))


def in_code(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            function = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if function not in FUNCTIONS:
                continue
            texts = [getattr(argument, "value", None) for argument in node.args]
            context, message, _plural = FUNCTIONS[function]
            if len(texts) > message and isinstance(texts[message], str):
                yield key(None if context is None else texts[context], texts[message])


def in_template(path):
    code = templatize(path.read_text(encoding="utf-8"))
    string = r"u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    for function, first, second in re.findall(
        rf"\b(n?p?gettext|_)\({string}(?:,\s*{string})?", code
    ):
        texts = [ast.literal_eval(text) for text in (first, second) if text]
        context, message, _plural = FUNCTIONS[function]
        yield key(None if context is None else texts[context], texts[message])


def test_every_message_of_the_app_is_in_the_catalogue():
    missing = {f"{where}: {name}" for name, where in used() if name not in messages()}

    assert not missing, "run makemessages (docs/development.md)"


def test_the_catalogue_holds_nothing_that_nobody_says():
    assert set(messages()) <= {name for name, _where in used()}


def test_nothing_is_left_untranslated_or_uncertain():
    flags = catalogue()[1]

    assert not [name for name, (_plural, forms) in messages().items() if not all(forms)]
    assert not [name for name, said in flags.items() if any("fuzzy" in flag for flag in said)]


def test_placeholders_survive_translation():
    for name, (plural, forms) in messages().items():
        source = plural or name.rpartition("\x04")[2]
        for form in forms:
            assert sorted(PLACEHOLDER.findall(form)) == sorted(PLACEHOLDER.findall(source)), name


def test_what_is_shipped_is_what_was_written():
    with (FOLDER / "django.mo").open("rb") as file:
        shipped = gettext.GNUTranslations(file)

    for name, (plural, forms) in messages().items():
        context, _, message = name.rpartition("\x04")
        if plural:
            assert shipped.ngettext(message, plural, 2) == forms[0]
        elif context:
            assert shipped.pgettext(context, message) == forms[0]
        else:
            assert shipped.gettext(message) == forms[0]
    known = {name if isinstance(name, str) else name[0] for name in shipped._catalog}
    assert known == {"", *messages()}


@pytest.mark.parametrize(
    "path", sorted(APP.glob("static/engagement/**/*.js")), ids=lambda p: p.name
)
def test_scripts_leave_words_to_the_templates(path):
    assert "gettext" not in path.read_text(encoding="utf-8")
