"""What is shipped: the wheel, and the README's installation followed to the letter."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(importlib.util.find_spec(name) for name in ("build", "hatchling")),
        reason="needs build and hatchling: make lint",
    ),
]

SETTINGS = """
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "a bookshop"
DEBUG = True
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "books",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "urls"
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "static/"
MEDIA_ROOT = BASE_DIR / "media"
"""

MODELS = """
from django.conf import settings
from django.db import models


class Book(models.Model):
    name = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=6, decimal_places=2)

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return f"/books/{self.pk}/"


class Order(models.Model):
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField()


class Line(models.Model):
    order = models.ForeignKey(Order, related_name="lines", on_delete=models.CASCADE)
    book = models.ForeignKey(Book, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField(default=1)
"""

URLS = """
from django.contrib import admin
from django.shortcuts import get_object_or_404, render
from django.urls import include, path

from books.models import Book


def page(request, pk):
    return render(request, "book.html", {"book": get_object_or_404(Book, pk=pk)})


urlpatterns = [path("admin/", admin.site.urls), path("books/<int:pk>/", page)]
"""

# Readers buy inside their own genre and nowhere else.
SEED = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from books.models import Book, Line, Order

SCIENCE_FICTION = ["Dune", "Solaris", "Ubik", "Neuromancer", "Hyperion", "Roadside Picnic"]
ROMANCE = ["Emma", "Persuasion", "Villette", "Jane Eyre", "Middlemarch", "Evelina"]
shelves = [
    [Book.objects.create(name=name, price=10) for name in names]
    for names in (SCIENCE_FICTION, ROMANCE)
]
for reader in range(40):
    buyer = User.objects.create_user(f"reader-{reader}")
    for week in range(10):
        at = timezone.now() - timedelta(weeks=week, hours=reader + 1)
        order = Order.objects.create(buyer=buyer, created_at=at)
        books = shelves[reader % 2]
        first = (reader // 2 + week) % len(books)
        pair = books[first], books[(first + 1) % len(books)]
        Line.objects.bulk_create(Line(order=order, book=book) for book in pair)
"""

LOOK = """
from django.test import Client
print(Client().get("/books/1/").content.decode())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    # Built from a copy: a build must not find what lies about in the checkout, and leaves nothing.
    source = tmp_path_factory.mktemp("source") / "engagement"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in tracked.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    dist = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", dist, source],
        check=True,
        capture_output=True,
    )
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel):
    return zipfile.ZipFile(wheel).namelist()


def test_the_wheel_holds_the_app_and_nothing_else(names):
    folders = {name.split("/")[0] for name in names}
    assert {folder.split("-")[0] for folder in folders} == {"engagement", "django_engagement"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


@pytest.mark.parametrize(
    "needed",
    [
        "engagement/py.typed",
        "engagement/migrations/0001_initial.py",
        "engagement/templatetags/engagement.py",
        "engagement/templates/engagement/shelf.html",
        "engagement/static/engagement/",
        "engagement/locale/zh_Hans/LC_MESSAGES/django.mo",
        "engagement/testing/",
        ".dist-info/licenses/LICENSE",
    ],
)
def test_the_wheel_holds_all_of_it(names, needed):
    assert any(needed in name for name in names)


def readme(section):
    """Return the code blocks of the section: [(language, text), …]."""
    text = (ROOT / "README.md").read_text().partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"```(\w*)\n(.*?)```", text, flags=re.DOTALL)


def test_a_shop_that_follows_the_readme_has_a_shelf(wheel, tmp_path):
    """Everything that the README says is done as it says it, and nothing else."""
    blocks = readme("Put it into your shop")
    settings, urls = [text for language, text in blocks if language == "python"]
    (template,) = [text for language, text in blocks if language == "html"]
    install, commands = [text for language, text in blocks if not language]

    shop = tmp_path / "shop"
    (shop / "books" / "templates").mkdir(parents=True)
    (shop / "books" / "__init__.py").touch()
    (shop / "books" / "models.py").write_text(MODELS)
    (shop / "books" / "templates" / "book.html").write_text("<h1>{{ book }}</h1>\n" + template)
    (shop / "settings.py").write_text(SETTINGS + settings)
    (shop / "urls.py").write_text(URLS + urls)
    (shop / "manage.py").write_text((ROOT / "manage.py").read_text())

    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "CELERY_BROKER_URL", "PYTHONPATH")
    } | {"DJANGO_SETTINGS_MODULE": "settings", "HOME": str(tmp_path)}

    def run(*arguments, **options):
        done = subprocess.run(
            [python, *arguments],
            cwd=shop,
            env=environment,
            text=True,
            check=False,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return done.stdout

    assert install.strip() == "pip install django-engagement"
    run("-m", "pip", "install", "--quiet", str(wheel))
    told = run("manage.py", "check", stderr=subprocess.STDOUT)
    # Where model files shall lie is for the shop to decide; everything else is there.
    assert re.findall(r"engagement\.\w+\d", told) == ["engagement.W002"]
    first, *others = [line.split()[1:] for line in commands.strip().splitlines()]
    run("manage.py", "makemigrations", "books")
    run(*first)
    run("manage.py", "shell", input=SEED)
    for command in others:
        run(*command)

    page = run("manage.py", "shell", input=LOOK)

    shelf = page.partition("data-engagement-shelf")[2]
    assert "Solaris" in shelf
    assert "Roadside Picnic" in shelf
    assert "Emma" not in shelf
    assert "engagement/" in page.partition("<script")[2]
