"""The parts of the page that are HTML: its head, messages and figures.

Pictures are part of the HTML, so that no file is written for them.
"""

import base64
import html


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
    """Lays pictures out; returns HTML.

    Args:
      items: list of (id, caption, bytes of a PNG or GIF file, name to download it under or '', is_large).
    """
    return f'<div class="figures">{"".join(_figure(*item) for item in items)}</div>'


def _figure(name, caption, data, file_name, is_large):
    kind = 'gif' if data.startswith(b'GIF') else 'png'
    url = f'data:image/{kind};base64,{base64.b64encode(data).decode()}'
    link = f'<a href="{url}" download="{file_name}">Download</a>' if file_name else ''
    return (f'<figure id="{name}"{" class=large" if is_large else ""}><img src="{url}" alt="{html.escape(caption)}">'
            f'<figcaption>{html.escape(caption)}{link}</figcaption></figure>')
