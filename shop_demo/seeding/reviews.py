"""
What the sample reviews of ``shop_demo/reviews`` become: written by households that bought the
product, through the same door as everybody's, and marked as samples.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from django.contrib.auth import get_user_model
from django.db.models import F, Max, Q
from django.utils import timezone

from engagement.flows.collecting.identity import customer_key
from engagement.flows.reviews import feedback, questions, replies, stock_replies, submit
from engagement.flows.reviews.authors import Author, author_of_customer
from engagement.flows.understanding import aspects, summary
from engagement.flows.understanding.analyse import analyse
from engagement.models import Item, Question, Review, ReviewVote, Status
from shop_demo.models import OrderLine, Product
from shop_demo.seeding.people import ADMIN

FOLDER = Path(__file__).parent.parent / "reviews"
LANGUAGES = ("en", "zh")
CHANNEL = ""
QUESTION = "?"


@dataclass(frozen=True)
class Sample:
    """One line of a file: a review, or a question with up to two answers."""

    about: str
    mark: str
    name: str
    title: str
    text: str
    reply: str = ""

    @property
    def is_question(self) -> bool:
        return self.mark == QUESTION


def read() -> list[Sample]:
    """Return all samples in the order of the files."""
    return [one for code in LANGUAGES for one in _read(FOLDER / f"{code}.txt")]


def _read(path: Path) -> Iterator[Sample]:
    about = ""
    for line in path.read_text().splitlines():
        if line.startswith("@"):
            about = line[1:].strip()
        elif line.strip() and not line.startswith("#"):
            parts = [part.strip().replace("¶", "\n") for part in line.split("|")]
            yield Sample(about, *parts)


def save(advance: Callable[[int], object]) -> int:
    """
    Write the samples in place of those of an earlier run; return how many reviews there are.

    Each is written by somebody who has bought the product, a few days later; every seventh by
    somebody who has not. Samples of products that this shop does not sell are left out.
    """
    Review.objects.filter(source=Review.Source.SAMPLE).delete()
    Question.objects.filter(visitor__key__in=_keys_of_strangers()).delete()
    rng = np.random.default_rng(2017)
    samples = read()
    products = _products({sample.about for sample in samples})
    buyers = {about: _buyers(product) for about, product in products.items()}
    written: list[Review] = []
    now = timezone.now()
    for number, sample in enumerate(samples):
        product = products.get(sample.about)
        item = (
            Item.objects.filter(channel=CHANNEL, key=str(product.pk)).first() if product else None
        )
        if item is not None:
            if sample.is_question:
                _ask(sample, item, number, now)
            else:
                who, at = _author(buyers[sample.about], number, now, rng)
                written.append(_write(sample, item, who, at))
        advance(1)
    # All of them together: a batch is read many times faster than one by one.
    analyse(channel=CHANNEL, at=now)
    mine = Review.objects.filter(source=Review.Source.SAMPLE)
    # All were let through today; on the pages each has stood since it was written.
    mine.filter(status=Status.PUBLISHED).update(published_at=F("created_at"))
    stock_replies.create_defaults(CHANNEL)
    _reply_and_vote(written, rng, now)
    aspects.count(channel=CHANNEL, at=now)
    summary.make_all(channel=CHANNEL, at=now)
    return len(written)


def _products(names: set[str]) -> dict[str, Product]:
    """Return the most sold product for each beginning of a name."""
    found = {}
    for name in names:
        same = Q(name=name) | Q(name__startswith=f"{name},")
        product = Product.objects.on_sale().filter(same).order_by("-n_sold", "pk").first()
        if product is not None:
            found[name] = product
    return found


def _buyers(product: Product) -> list[tuple[str, datetime]]:
    """Return who has bought a product and when last, in an order that does not change."""
    rows = (
        OrderLine.objects.filter(product=product, order__user__isnull=False)
        .values("order__user")
        .annotate(at=Max("order__placed_at"))
        .order_by("-at", "order__user")
        .values_list("order__user", "at")
    )
    return [(str(user), at) for user, at in rows[:200]]


def _author(
    buyers: list[tuple[str, datetime]], number: int, now: datetime, rng: np.random.Generator
) -> tuple[Author, datetime]:
    """Return who writes a sample and when; nobody writes twice about one product."""
    days = timedelta(days=int(rng.integers(1, 9)), minutes=int(rng.integers(0, 1440)))
    if buyers and number % 7:
        customer, bought = buyers.pop(int(rng.integers(0, len(buyers))))
        return author_of_customer(customer, CHANNEL), min(bought + days, now - days / 20)
    moment = now - timedelta(days=int(rng.integers(3, 160))) - days
    return author_of_customer(_stranger(number), CHANNEL), moment


def _stranger(number: int) -> str:
    return f"sample-{number}"


def _keys_of_strangers() -> list[str]:
    return [customer_key(_stranger(number), CHANNEL) for number in range(len(read()))]


def _write(sample: Sample, item: Item, who: Author, at: datetime) -> Review:
    words = {
        "rating": sample.mark,
        "title": sample.title,
        "body": sample.text,
        "author_name": sample.name,
    }
    return submit.submit(
        words, author=who, item=item, at=at, source=Review.Source.SAMPLE, at_once=False
    )


def _ask(sample: Sample, item: Item, number: int, now: datetime) -> None:
    """Ask a question, with the answers beside it: ``title`` holds it, ``text`` a customer's."""
    at = now - timedelta(days=3 + number % 60)
    question = questions.ask(
        {"body": sample.title, "author_name": sample.name},
        author=author_of_customer(_stranger(number), CHANNEL),
        item=item,
        at=at,
    )
    if sample.text and question.status == Status.PUBLISHED:
        other = author_of_customer(_stranger(number + 1), CHANNEL)
        questions.answer(
            {"body": sample.text}, author=other, question=question, at=at + timedelta(hours=9)
        )
    if sample.reply:
        staff = get_user_model().objects.filter(username=ADMIN[0]).first()
        questions.answer_as_shop(
            sample.reply, question=question, by=staff, at=at + timedelta(days=1)
        )


def _reply_and_vote(written: list[Review], rng: np.random.Generator, now: datetime) -> None:
    said = {_plain(one.text): one.reply for one in read() if one.reply and not one.is_question}
    staff = get_user_model().objects.filter(username=ADMIN[0]).first()
    voters = [author_of_customer(f"sample-reader-{n}", CHANNEL) for n in range(12)]
    votes: list[ReviewVote] = []
    for review in Review.objects.filter(pk__in=[one.pk for one in written]).order_by("pk"):
        answer = said.get(_plain(review.body))
        if answer:
            replies.reply(review, answer, by=staff, at=min(review.created_at + DAY, now))
        if review.status == Status.PUBLISHED:
            # Who takes the time to tell a story is thanked for it.
            likes = min(len(voters), int(rng.poisson(len(review.body) / 45)))
            votes += [
                ReviewVote(
                    review=review,
                    visitor_id=voter.visitor_id,
                    is_helpful=bool(rng.random() < 0.85),
                    voted_at=now,
                )
                for voter in voters[:likes]
            ]
    ReviewVote.objects.bulk_create(votes, batch_size=500)
    for review in {vote.review for vote in votes if vote.review is not None}:
        feedback.recount_votes(review)


DAY = timedelta(days=1)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
