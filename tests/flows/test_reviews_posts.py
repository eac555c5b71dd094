"""Posts from elsewhere: each once, never shown as reviews, refused rows kept with their reasons."""

import csv
import json

import pytest
from django.core.management import CommandError, call_command

from engagement.models import Post, Review
from tests.reviewing import book_item

pytestmark = pytest.mark.django_db
ROWS = [
    {
        "id": "1",
        "text": "Fennel forgot my eggs again.",
        "created_at": "2026-01-05T10:00:00Z",
        "url": "https://social.example/1",
        "user": "ada",
        "stars": "2",
    },
    {"id": "2", "text": "配送很快，水果新鲜。", "created_at": "2026-01-06 09:30", "stars": "5/5"},
]


def jsonl(folder, *rows):
    path = folder / "posts.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    return path


def test_posts_come_in_with_source_link_and_language(tmp_path):
    call_command("engagement_import_posts", jsonl(tmp_path, *ROWS), "--source", "forum")

    first, second = Post.objects.order_by("external_id")
    assert (first.source, first.url, first.author) == ("forum", "https://social.example/1", "ada")
    assert (first.rating, first.language) == (2, "en")
    assert (second.rating, second.language) == (5, "zh")
    assert not Review.objects.exists()


def test_importing_again_adds_nothing_and_brings_what_changed_up_to_date(tmp_path):
    path = jsonl(tmp_path, *ROWS)
    call_command("engagement_import_posts", path, "--source", "forum")
    before = Post.objects.get(external_id="1").imported_at
    jsonl(tmp_path, {**ROWS[0], "text": "They have apologised."}, ROWS[1])

    call_command("engagement_import_posts", path, "--source", "forum")

    post = Post.objects.get(external_id="1")
    assert Post.objects.count() == 2
    assert post.body == "They have apologised."
    assert post.imported_at > before


def test_posts_without_a_number_are_told_apart_by_what_they_say(tmp_path):
    rows = [{**row, "id": ""} for row in ROWS]
    path = jsonl(tmp_path, *rows, rows[0])

    call_command("engagement_import_posts", path, "--source", "forum")
    call_command("engagement_import_posts", path, "--source", "forum")

    assert Post.objects.count() == 2


def test_refused_rows_are_kept_with_their_reasons(tmp_path, capsys):
    book_item("Emma")
    bad = {
        "no text": {"text": ""},
        "no date": {"created_at": ""},
        "not a date": {"created_at": "yesterday"},
        "future": {"created_at": "2999-01-01T00:00:00Z"},
        "script": {"url": "javascript:alert(1)"},
        "rating": {"stars": "6"},
        "words": {"stars": "good"},
        "item": {"item": "no-such-book"},
        "encoding": {"text": "caf\ufffd"},
    }
    rows = [{**ROWS[0], "item": "", "id": name, **change} for name, change in bad.items()]
    good = {**ROWS[0], "id": "good", "item": "emma", "text": "<b>Bold</b> \u202eclaims"}
    path = jsonl(tmp_path, *rows, good)

    call_command("engagement_import_posts", path, "--source", "forum")

    post = Post.objects.get()
    assert (post.external_id, post.item.key) == ("good", "emma")
    assert post.body == "<b>Bold</b> claims"
    with (tmp_path / "posts.jsonl.rejected.csv").open() as file:
        refused = {row["id"]: row["reason"] for row in csv.DictReader(file)}
    assert refused == {
        "no text": "required",
        "no date": "required",
        "not a date": "not_a_moment",
        "future": "in_the_future",
        "script": "not_a_link",
        "rating": "not_a_rating",
        "words": "not_a_rating",
        "item": "unknown_item",
        "encoding": "wrong_encoding",
    }


def test_csv_in_another_encoding_and_scale(tmp_path):
    path = tmp_path / "posts.csv"
    path.write_bytes("site;content;date;score\nweibo;很差;2026-01-05;3\n".encode("gb18030"))

    call_command(
        "engagement_import_posts",
        path,
        "--encoding",
        "gb18030",
        "--scale",
        "10",
        "--map",
        "source=site",
        "text=content",
        "at=date",
        "rating=score",
    )

    post = Post.objects.get()
    assert (post.source, post.body, post.rating, post.language) == ("weibo", "很差", 2, "zh")


def test_a_dry_run_stores_nothing(tmp_path):
    call_command(
        "engagement_import_posts", jsonl(tmp_path, *ROWS), "--source", "forum", "--dry-run"
    )

    assert not Post.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--source"),
        (["--source", "x", "--map", "text=nope"], "nope"),
        (["--source", "x", "--map", "what=text"], "known are"),
        (["--source", "x", "--scale", "1"], "--scale"),
        (["--source", "x", "--timezone", "Mars/Olympus"], "Mars"),
    ],
)
def test_what_has_to_be_told_is_asked_for(tmp_path, arguments, said):
    with pytest.raises(CommandError, match=said):
        call_command("engagement_import_posts", jsonl(tmp_path, *ROWS), *arguments)
