"""``reviews/pictures/<key>/``: a picture that a person has seen before anybody else does."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from engagement.api.public import PublicView, described
from engagement.flows.reviews.authors import reader_ids
from engagement.models import ReviewPicture, Status

A_DAY = 86_400


class ReviewPictureView(PublicView):
    """
    The picture as a JPEG: to anyone once it is published with its review, before that to its
    author and to moderators.
    """

    @described(
        operation_id="review_picture",
        tags=["reviews"],
        responses={
            (200, "image/jpeg"): OpenApiResponse(OpenApiTypes.BINARY, "The picture."),
            404: OpenApiResponse(OpenApiTypes.OBJECT, "There is none, or it is not published."),
        },
    )
    def get(self, request: Request, key: UUID) -> HttpResponseBase:
        picture = ReviewPicture.objects.select_related("review").filter(key=key).first()
        if picture is None:
            raise NotFound(_("There is no such picture."))
        is_public = Status.PUBLISHED == picture.status == picture.review.status
        if not (is_public or self._may_see(request, picture)):
            raise NotFound(_("There is no such picture."))
        try:
            file = picture.file.open("rb")
        except OSError:
            raise NotFound(_("There is no such picture.")) from None
        response = FileResponse(file, content_type="image/jpeg")
        # Not for long: a picture may be taken down.
        response["Cache-Control"] = f"public, max-age={A_DAY}" if is_public else "private, no-store"
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return response

    def _may_see(self, request: Request, picture: ReviewPicture) -> bool:
        plain = request._request
        user: Any = getattr(plain, "user", None)
        if user is not None and user.is_staff and user.has_perm("engagement.view_reviewpicture"):
            return True
        return picture.review.visitor_id is not None and (
            picture.review.visitor_id in reader_ids(plain)
        )
