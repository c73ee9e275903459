"""What a request of the page may cost, and how one is refused."""

import dataclasses

from data_pipeline.errors import UsageError


class RequestError(UsageError):
    """A request of the page that cannot be met; the message says what was expected and what was found."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a request may cost.

    Attributes:
      upload_mb: size of an uploaded photo, MB.
      megapixels: of an uploaded photo, told from its header before it is decoded.
      frames: pictures of a clip, and frames of a video whose poses are looked for.
      seconds: after which a clip, or the search for poses in a video, is given up.
      video_mb: size of an uploaded video, MB.
      video_megapixels, video_frames: of it, told from its header.
    """

    upload_mb: float = 10
    megapixels: float = 25
    frames: int = 48
    seconds: float = 60
    video_mb: float = 30
    video_megapixels: float = 9
    video_frames: int = 1800
