"""The parts of the page that are HTML: its head, messages, and pictures that travel inside of it, so that no file of
them is written."""

import base64
import html
import io

import cv2
from PIL import Image

_CLIP_PX = 128  # a browser enlarges the rest; more takes long to find 256 colours for


def png(image):
    """Returns uint8 [H, W, 3], RGB, as the bytes of a PNG file."""
    return cv2.imencode('.png', cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


def gif(images, fps):
    """Returns a list of uint8 [S, S, 3], RGB, as the bytes of a GIF file that goes on for ever; small ones enlarged."""
    size = max(_CLIP_PX, len(images[0]))
    first, *others = [Image.fromarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR))
                      for image in images]
    file = io.BytesIO()
    duration_ms = max(20, 10 * round(100 / fps))  # GIF counts in 10 ms, and browsers slow down what is faster than 20
    first.save(file, 'GIF', save_all=True, append_images=others, duration=duration_ms, loop=0)
    return file.getvalue()


def head(model_name, image_size, limits):
    """Returns the top of the page: what it does, which model it is, and what that can and cannot do."""
    return ('<h1>Reposing people</h1>'
            '<p>One picture of a person, a pose, and out comes the same person in that pose. Choose both below.</p>'
            f'<p><strong>Model: {html.escape(model_name)}</strong>, {image_size} x {image_size} px. It knows what '
            'it was trained on: the models that come with this project saw a few rendered people and nothing else, so '
            'faces and prints blur, and photos of real people come out worse than the samples.</p>'
            f'<p>Uploads (photos up to {limits.upload_mb:g} MB, videos up to {limits.video_mb:g} MB) '
            'are deleted as soon as they are read; nothing leaves this server.</p>')


def message(text, is_error=False):
    """Returns a line of text in a box, or '' for none."""
    return f'<div class="message{" error" if is_error else ""}" role="status">{html.escape(text)}</div>' if text else ''


def figures(items):
    """Lays pictures out.

    Args:
      items: list of (id, caption, bytes of a PNG or GIF file, name to download it under or '', is_large).

    Returns:
      HTML text.
    """
    return f'<div class="figures">{"".join(_figure(*item) for item in items)}</div>'


def _figure(name, caption, data, file_name, is_large):
    kind = 'gif' if data.startswith(b'GIF') else 'png'
    source = f'data:image/{kind};base64,{base64.b64encode(data).decode()}'
    link = f'<a href="{source}" download="{file_name}">Download</a>' if file_name else ''
    return (f'<figure id="{name}"{" class=large" if is_large else ""}><img src="{source}" alt="{html.escape(caption)}">'
            f'<figcaption>{html.escape(caption)}{link}</figcaption></figure>')
