"""What the benchmarks rest on: a log from a seed, peers behind our interface, tables, pictures."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from benchmarks.quality.peers import Peer
from benchmarks.scale.made_up_log import made_up_log
from benchmarks.tables import filled
from engagement.learning.interactions import Interactions
from engagement.management.pictures import Mark, intervals, lines

SPACE = "{http://www.w3.org/2000/svg}"


def test_a_made_up_log_is_the_same_for_the_same_seed():
    one, two, other = made_up_log(5_000, 500), made_up_log(5_000, 500), made_up_log(5_000, 500, 7)
    assert np.array_equal(one.columns, two.columns)
    assert not np.array_equal(one.columns, other.columns)
    assert len(one) == 5_000
    assert one.columns.max() < 500
    assert (np.diff(one.moments) >= 0).all()


def test_in_a_made_up_log_a_tenth_of_the_items_gets_about_half_of_all():
    log = made_up_log(50_000, 1_000)
    counts = np.sort(np.bincount(log.columns, minlength=1_000))[::-1]
    assert 0.35 < counts[:100].sum() / counts.sum() < 0.75


class Diagonal(Peer):
    """Knows of each user nothing but the number."""

    def learn(self, seen, seed):
        n = max(seen.shape)
        eye = np.eye(n, dtype=np.float32)
        return eye[: seen.shape[0]], eye[: seen.shape[1]], np.zeros(seen.shape[1], np.float32)


def test_a_peer_knows_its_users_by_their_histories_and_strangers_not_at_all():
    log = Interactions.from_keys([0, 0, 1, 2, 2], [1, 2, 0, 0, 3])
    model = Diagonal().fit(log)
    scores = model.score(log.histories([2, 0, 1]))
    assert scores.argmax(axis=1).tolist() == [2, 0, 1]
    longer = Interactions.from_keys([0, 0, 0], [1, 2, 3]).histories([0])
    one_more = type(longer)(
        longer.starts, np.array([1, 2, 3], np.int32), longer.moments, longer.weights, longer.now
    )
    assert model.score(one_more).argmax() == 0
    stranger = type(longer)(
        longer.starts, np.array([3, 3, 3], np.int32), longer.moments, longer.weights, longer.now
    )
    assert not model.score(stranger).any()


def test_tables_go_to_their_places_and_nothing_else_changes():
    page = "# A\n<!-- one -->\nold\n<!-- end -->\ntext\n<!-- two -->\nkept\n<!-- end -->\n"
    assert filled(page, {"one": "| new |"}) == page.replace("old", "| new |")


def test_a_picture_says_in_words_what_it_shows():
    text = intervals(
        "Two models", {"all": [Mark("A <b>", 0.2, 0.1, 0.3), Mark("B", 0.4, 0.3, 0.5)]}
    )
    drawn = ET.fromstring(text)  # noqa: S314
    said = drawn.find(f"{SPACE}desc").text
    assert "A <b>: 0.2000, 0.1000 to 0.3000." in said
    assert said.index("B:") < said.index("A <b>:")


@pytest.mark.parametrize(
    "series", [{}, {"a": [(1e5, 0.0)]}, {"a": [(1e5, 2.0)], "b": [(1e6, 3e3)]}]
)
def test_lines_are_drawn_whatever_there_is(series):
    drawn = ET.fromstring(lines("Growth", series, x_label="events", y_label="s"))  # noqa: S314
    shown = [name for name, points in series.items() if min(points[0]) > 0]
    labels = [text.text for text in drawn.iter(f"{SPACE}text")]
    assert set(shown) <= set(labels)


@pytest.mark.parametrize("value", [0.0, 1e-9, 3.0])
def test_an_interval_of_any_size_has_ticks(value):
    drawn = ET.fromstring(intervals("x", {"all": [Mark("A", value, value, value)]}))  # noqa: S314
    assert drawn.find(f"{SPACE}circle") is not None
