"""Pictures that strangers send: decoded, turned upright, made smaller, and written anew by us."""

from __future__ import annotations

import hashlib
import importlib.util
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _

from engagement.conf import app_settings
from engagement.flows.reviews.drafts import Fault, Invalid
from engagement.models import ReviewPicture

FORMATS = ("JPEG", "PNG", "WEBP")
# 40 megapixels: what telephones take; a picture of more would fill the memory when it is decoded.
MAX_PIXELS = 40_000_000
QUALITY = 85


@dataclass(frozen=True, slots=True)
class Encoded:
    """A JPEG of ours: no metadata, no colour profile, no thumbnail, nothing of the sent file."""

    data: bytes
    width: int
    height: int
    sha256: str

    def file(self) -> ContentFile[bytes]:
        return ContentFile(self.data)


@cache
def can_take_pictures() -> bool:
    """Return whether Pillow is installed."""
    return importlib.util.find_spec("PIL") is not None


def most() -> int:
    """Return how many pictures a review may have; 0 without Pillow."""
    return int(app_settings.REVIEW_PICTURES) if can_take_pictures() else 0


def encode_all(files: Iterable[Any], *, room: int | None = None) -> list[Encoded]:
    """Return uploaded files as pictures of ours; raises Invalid, by name, for what is none."""
    sent = [one for one in files if one]
    room = most() if room is None else min(room, most())
    if len(sent) > room:
        message = _("At most %(n)d pictures, please.") % {"n": app_settings.REVIEW_PICTURES}
        raise Invalid({"pictures": [Fault("too_many", message)]})
    encoded, faults = [], []
    for one in sent:
        try:
            encoded.append(encode(one))
        except Invalid as invalid:
            faults += invalid.faults["pictures"]
    if faults:
        raise Invalid({"pictures": faults})
    return encoded


def encode(file: Any) -> Encoded:
    """Return one uploaded file as a picture of ours; raises Invalid."""
    from PIL import Image, ImageOps

    name = str(getattr(file, "name", ""))[:60]
    size = int(getattr(file, "size", 0))
    if size > app_settings.PICTURE_MAX_BYTES:
        megabytes = app_settings.PICTURE_MAX_BYTES // 1_000_000
        raise _refused(
            "too_large", _("%(name)s is larger than %(n)d MB.") % {"name": name, "n": megabytes}
        )
    try:
        # What the file says it is counts for nothing; only these decoders are tried.
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _refused(
                    "too_many_pixels", _("%(name)s has too many pixels.") % {"name": name}
                )
            image.draft("RGB", (app_settings.PICTURE_PIXELS, app_settings.PICTURE_PIXELS))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((app_settings.PICTURE_PIXELS, app_settings.PICTURE_PIXELS))
            plain = _on_white(_in_srgb(upright))
    except Invalid:
        raise
    except Exception:
        # Decoders of pictures raise whatever they like at what is none.
        raise _refused(
            "not_a_picture", _("%(name)s is no JPEG, PNG or WebP picture.") % {"name": name}
        ) from None
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    data = out.getvalue()
    return Encoded(data, plain.width, plain.height, hashlib.sha256(data).hexdigest())


def follow_deletion(*, instance: ReviewPicture, **kwargs: object) -> None:
    """Receive ``post_delete``: the file goes with its row, however the row went."""
    storage, name = instance.file.storage, instance.file.name
    if name:
        transaction.on_commit(partial(storage.delete, name), robust=True)


def _refused(code: str, message: str) -> Invalid:
    return Invalid({"pictures": [Fault(code, message)]})


def _in_srgb(image: Any) -> Any:
    """Turn the colours of a wider space (telephones write Display P3) into those of the web."""
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode=image.mode) or image
    except (ImageCms.PyCMSError, OSError):
        return image


def _on_white(image: Any) -> Any:
    """Return a picture without transparency and without anything but its pixels."""
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    plain = Image.new("RGB", image.size)
    plain.paste(image.convert("RGB"))
    return plain
