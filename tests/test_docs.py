"""Everything that a shop can name is documented, and every link in the docs leads somewhere."""

import re
from functools import cache
from pathlib import Path

import pytest
from celery import current_app
from django.dispatch import Signal
from django.template import engines
from django.urls import URLPattern, URLResolver

from engagement import signals, urls
from engagement.conf import DEFAULTS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@cache
def docs():
    return "\n".join(path.read_text() for path in PAGES)


def commands():
    folder = ROOT / "engagement" / "management" / "commands"
    return sorted(path.stem for path in folder.glob("engagement_*.py"))


def tasks():
    import engagement.tasks  # noqa: F401

    return sorted(name for name in current_app.tasks if name.startswith("engagement."))


def template_tags():
    libraries = engines["django"].engine.template_libraries
    names = ("engagement", "engagement_promotions", "engagement_reviews")
    ours = [libraries[name] for name in names]
    return (
        sorted(name for library in ours for name in library.tags),
        sorted(name for library in ours for name in library.filters),
    )


def url_names(patterns=None):
    for pattern in urls.urlpatterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from url_names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name


def checks():
    code = "".join(path.read_text() for path in ROOT.glob("engagement/checks*.py"))
    code += "".join(path.read_text() for path in ROOT.glob("engagement/checks/*.py"))
    return sorted(set(re.findall(r"engagement\.[EWI]\d{3}", code)))


def announcements():
    # The announcements themselves, not the class that they are made of.
    return sorted(name for name, value in vars(signals).items() if isinstance(value, Signal))


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_setting_is_documented(name):
    page = (ROOT / "docs" / "settings.md").read_text()
    assert f"`{name}`" in page


@pytest.mark.parametrize("name", commands())
def test_every_command_is_documented(name):
    assert f"manage.py {name}" in docs()


@pytest.mark.parametrize("name", tasks())
def test_every_task_is_documented(name):
    page = (ROOT / "docs" / "tasks.md").read_text()
    assert f"`{name}`" in page


@pytest.mark.parametrize("name", template_tags()[0])
def test_every_template_tag_is_documented(name):
    assert f"{{% {name}" in docs()


@pytest.mark.parametrize("name", sorted(set(url_names())))
def test_every_endpoint_is_documented(name):
    assert f"`engagement:{name}`" in docs()


@pytest.mark.parametrize("name", checks())
def test_every_check_is_documented(name):
    assert f"`{name}`" in docs()


@pytest.mark.parametrize("name", announcements())
def test_every_announcement_is_documented(name):
    assert f"`{name}`" in docs()


def anchors(page):
    """Return the anchors that a page's headings make, as GitHub writes them."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    titles = re.findall(r"^#+ +(.+?) *$", text, flags=re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", title.lower()) for title in titles]
    return {title.strip().replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    targets = re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", text)
    targets += re.findall(r'(?:src|href)="([^"]+)"', text)
    broken = []
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_found_from_the_index():
    index = (ROOT / "docs" / "index.md").read_text()
    pages = {path.name for path in ROOT.glob("docs/*.md")} - {"index.md"}
    assert {name for name in pages if f"({name})" not in index} == set()
