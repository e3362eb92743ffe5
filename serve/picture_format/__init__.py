"""What PNG, JPEG and WebP files are made of: checked part by part while the bytes come, no pixel decoded."""

from serve.picture_format.check import PictureCheck, PictureFacts, check_picture, media_type_of
from serve.picture_format.flaw import Cause, PictureFlawError
from serve.picture_format.limits import PictureLimits

__all__ = [
    "Cause",
    "PictureCheck",
    "PictureFacts",
    "PictureFlawError",
    "PictureLimits",
    "check_picture",
    "media_type_of",
]
