"""Lines between classes, and between the grades within them."""

import numpy as np
import pytest

from engagement.learning.sentiment.calibration import macro_f1
from engagement.learning.sentiment.heads import CLASS_OF_STARS, MIN_OF_A_GRADE, Head, graded

N = MIN_OF_A_GRADE


@pytest.fixture
def rated(rng):
    """
    Rows in a plane, two hundred for each number of stars: what is bad lies on both sides of what
    is good, so that no line parts the two, but lines around each number of stars do.
    """
    stars = np.repeat([1, 2, 3, 4, 5], 200)
    middles = np.array([[-4, 0], [4, 0], [0, 4], [0, 0.5], [0, -3]])
    rows = middles[stars - 1] + rng.normal(0, 0.7, (len(stars), 2))
    return rows, CLASS_OF_STARS[stars], stars


def test_stars_part_what_classes_alone_do_not(rated, rng):
    rows, classes, stars = rated
    known = np.arange(len(rows)) % 2 == 0

    def reached(**more):
        head = Head(balanced=False).fit(rows[known], classes[known], rng, **more)
        proba = head.predict_proba(rows[~known])
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-4)
        return macro_f1(proba.argmax(axis=1), classes[~known])

    assert reached(stars=stars[known]) > 0.95 > reached() + 0.03


def test_a_stored_head_of_grades_answers_the_same(rated, rng):
    rows, classes, stars = rated
    head = Head().fit(rows, classes, rng, stars=stars)
    again = Head(**head.get_options()).set_arrays(head.get_arrays())
    np.testing.assert_allclose(again.predict_proba(rows), head.predict_proba(rows), atol=1e-6)
    # Taught again without stars, it has a line a class once more.
    assert head.fit(rows, classes, rng).coef_.shape == (3, 2)
    assert head.predict_proba(rows).shape == (len(rows), 3)


def test_grades_lie_within_classes():
    stars = np.repeat([1, 2, 3, 4, 5, 0], N)
    classes = np.where(stars == 0, 2, CLASS_OF_STARS[stars])
    # A moderator said of some texts with five stars that they are negative.
    stars, classes = np.r_[stars, [5, 5]], np.r_[classes, [0, 0]]
    grades = graded(classes, stars)
    assert grades.classes.tolist() == [0, 0, 1, 2, 2]
    assert (grades.classes[grades.numbers] == classes).all()
    assert len(np.unique(grades.numbers[stars == 4])) == 1
    assert graded(classes, np.zeros(len(classes), dtype=int)) is None
    assert graded(classes, None) is None


def test_rare_stars_are_no_grade_of_their_own():
    stars = np.repeat([1, 2, 3, 4, 5], [N, N - 1, N, N, 3 * N])
    grades = graded(CLASS_OF_STARS[stars], stars)
    assert grades.classes.tolist() == [0, 1, 2, 2]


def test_stars_that_are_none_are_refused():
    with pytest.raises(ValueError, match="stars must be 2 numbers from 1 to 5"):
        graded(np.array([0, 2]), [1, 6])
    with pytest.raises(ValueError, match="stars must be 2 numbers"):
        graded(np.array([0, 2]), [1])


def test_a_head_that_learnt_from_nothing_answers_rows_of_any_width(rng):
    head = Head().fit(np.empty((0, 0)), np.empty(0, dtype=int), rng)
    np.testing.assert_allclose(head.predict_proba(np.ones((2, 5))), 1 / 3, atol=1e-6)
