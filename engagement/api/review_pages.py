"""Pages with forms, for visitors without scripts, for links in e-mails and for what went wrong."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from engagement.adapters import get_adapter
from engagement.api.writing import WriteThrottle, back, way_back
from engagement.conf import app_settings
from engagement.flows.collecting.identity import person_from_request
from engagement.flows.reviews import feedback, pictures, questions, submit, telling
from engagement.flows.reviews.authors import MayNotWrite, author_of, reader_ids
from engagement.flows.reviews.deciding import AlreadyModerated
from engagement.flows.reviews.drafts import Invalid
from engagement.flows.reviews.submit import AlreadyReviewed, Final, UnknownItem
from engagement.models import Answer, Item, Question, Review, Status


@method_decorator([never_cache, csrf_protect], name="dispatch")
class FormPage(View):
    """
    A page with one form. What cannot be taken is shown again with everything that was typed and
    what is wrong with it; what can leads back to where the visitor came from, with a message.
    """

    http_method_names = ["get", "head", "post"]
    form: str
    title: Any
    anchor = "reviews"

    def find(self, request: HttpRequest, key: Any) -> Any:
        """Return what the form is about; raises Http404."""
        raise NotImplementedError

    def item_of(self, subject: Any) -> Item:
        item: Item = subject.item
        return item

    def values(self, request: HttpRequest, subject: Any) -> dict[str, Any]:
        """Return what the form holds at first."""
        return {}

    def take(self, request: HttpRequest, subject: Any) -> str:
        """Do what the form asks for and return what to say; raises what the flows raise."""
        raise NotImplementedError

    def get(self, request: HttpRequest, key: Any) -> HttpResponse:
        subject = self.find(request, key)
        return self.page(request, subject, self.values(request, subject))

    def post(self, request: HttpRequest, key: Any) -> HttpResponseBase:
        subject = self.find(request, key)
        typed = request.POST.dict()
        throttle = WriteThrottle()
        # The middleware that sets cookies may be missing; the rate must hold all the same.
        if not throttle.allow(request, person_from_request(request).known_keys):
            message = _("That was a lot in a short time. Wait a little, then send it again.")
            return self.page(request, subject, typed, errors={"": [message]}, status=429)
        try:
            said = self.take(request, subject)
        except Invalid as invalid:
            return self.page(request, subject, typed, errors=invalid.messages, status=422)
        except AlreadyReviewed as already:
            return self.page(
                request,
                subject,
                typed,
                errors={"": [str(already)]},
                status=409,
                existing=already.review,
            )
        except MayNotWrite as refusal:
            errors = {"": [refusal.message]}
            return self.page(request, subject, typed, errors=errors, status=403)
        except (Final, AlreadyModerated) as problem:
            message = getattr(problem, "message", "") or str(problem)
            return self.page(request, subject, typed, errors={"": [message]}, status=409)
        messages.success(request, said, fail_silently=True)
        return back(request, self.anchor, self.item_of(subject).url)

    def page(
        self,
        request: HttpRequest,
        subject: Any,
        values: dict[str, Any],
        *,
        errors: dict[str, list[str]] | None = None,
        status: int = 200,
        **more: Any,
    ) -> HttpResponse:
        item = self.item_of(subject)
        context = {
            "title": self.title,
            "form": self.form,
            "action": request.path,
            "item": item,
            "subject": subject,
            "values": values,
            "errors": errors or {},
            "next": way_back(request, item.url),
            "n_pictures": pictures.most(),
            "most": app_settings.REVIEW_MAX_CHARACTERS,
            "stars": (1, 2, 3, 4, 5),
            **more,
        }
        return render(request, "engagement/reviews/page.html", context, status=status)


class WriteReviewPage(FormPage):
    """Writing a review of an item."""

    form = "engagement/reviews/review_fields.html"
    title = gettext_lazy("Write a review")

    def find(self, request: HttpRequest, key: str) -> Item:
        return item_or_404(request, key)

    def item_of(self, subject: Item) -> Item:
        return subject

    def values(self, request: HttpRequest, subject: Item) -> dict[str, Any]:
        # A link in an e-mail names the order, and may bring the stars that were clicked there.
        return {name: request.GET.get(name, "")[:64] for name in ("order_id", "rating")}

    def take(self, request: HttpRequest, subject: Item) -> str:
        review = submit.submit(
            request.POST,
            author=author_of(request),
            item=subject,
            at=timezone.now(),
            order_ref=request.POST.get("order_id", ""),
            files=request.FILES.getlist("pictures"),
        )
        return telling.tell(review)


class EditReviewPage(FormPage):
    """Editing one's own review, or withdrawing it."""

    form = "engagement/reviews/review_fields.html"
    title = gettext_lazy("Edit your review")

    def find(self, request: HttpRequest, key: UUID) -> Review:
        try:
            return submit.own(key, visitor_ids=reader_ids(request))
        except Review.DoesNotExist:
            raise Http404(_("There is no such review of yours.")) from None

    def values(self, request: HttpRequest, subject: Review) -> dict[str, Any]:
        return {
            "rating": str(subject.rating),
            "title": subject.title,
            "body": subject.body,
            "author_name": subject.author_name,
        }

    def take(self, request: HttpRequest, subject: Review) -> str:
        if "withdraw" in request.POST:
            submit.withdraw(subject, at=timezone.now())
            return _("Your review is withdrawn.")
        review = submit.edit(
            subject,
            request.POST,
            author=author_of(request),
            at=timezone.now(),
            files=request.FILES.getlist("pictures"),
        )
        return telling.tell(review)


class AskPage(FormPage):
    """Asking a question about an item."""

    form = "engagement/reviews/question_fields.html"
    title = gettext_lazy("Ask a question")
    anchor = "questions"

    def find(self, request: HttpRequest, key: str) -> Item:
        return item_or_404(request, key)

    def item_of(self, subject: Item) -> Item:
        return subject

    def take(self, request: HttpRequest, subject: Item) -> str:
        question = questions.ask(
            request.POST, author=author_of(request), item=subject, at=timezone.now()
        )
        return telling.tell(question)


class AnswerPage(FormPage):
    """Answering a question."""

    form = "engagement/reviews/answer_fields.html"
    title = gettext_lazy("Answer a question")
    anchor = "questions"

    def find(self, request: HttpRequest, key: UUID) -> Question:
        try:
            return questions.question_of(key, channel=get_adapter().get_channel(request))
        except Question.DoesNotExist:
            raise Http404(_("There is no such question.")) from None

    def take(self, request: HttpRequest, subject: Question) -> str:
        answer = questions.answer(
            request.POST, author=author_of(request), question=subject, at=timezone.now()
        )
        return telling.tell(answer)


class ReportPage(FormPage):
    """Reporting what should not be there."""

    form = "engagement/reviews/report_fields.html"
    title = gettext_lazy("Report this")
    model: ClassVar[type[Any]] = Review

    def find(self, request: HttpRequest, key: UUID) -> Any:
        channel = get_adapter().get_channel(request)
        lookup = "question__channel" if self.model is Answer else "channel"
        rows = self.model.objects.filter(status=Status.PUBLISHED, **{lookup: channel})
        owner = "question__item" if self.model is Answer else "item"
        subject = rows.select_related(owner).filter(key=key).first()
        if subject is None:
            raise Http404(_("There is no such thing, or it is not published."))
        return subject

    def item_of(self, subject: Any) -> Item:
        item: Item = subject.question.item if self.model is Answer else subject.item
        return item

    def take(self, request: HttpRequest, subject: Any) -> str:
        feedback.report(
            subject,
            reason=request.POST.get("reason", ""),
            note=request.POST.get("note", ""),
            author=author_of(request),
            at=timezone.now(),
        )
        return _("Thank you. We will look at it.")

    def page(self, request: HttpRequest, subject: Any, *args: Any, **more: Any) -> HttpResponse:
        return super().page(request, subject, *args, reasons=feedback.REPORTABLE, **more)


class ReportQuestionPage(ReportPage):
    model = Question
    anchor = "questions"


class ReportAnswerPage(ReportPage):
    model = Answer
    anchor = "questions"


def item_or_404(request: HttpRequest, key: str) -> Item:
    """Return a shown item by its key; raises Http404."""
    try:
        return submit.find_item(key, channel=get_adapter().get_channel(request))
    except UnknownItem:
        raise Http404(_("The catalogue has no such item.")) from None
