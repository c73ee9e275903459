"""The parts of the page that are HTML: its head, messages, figures, how far work is.

Pictures are part of the HTML, so that no file is written for them.
"""

import base64
import dataclasses
import html
import itertools
import json

from experiments.demo_page import edits

_KINDS = {'png': 'image/png', 'gif': 'image/gif', 'mp4': 'video/mp4', 'json': 'application/json'}
_numbers = itertools.count(1)  # of messages, so that the page's script sees the same one twice


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture on the page.

    Attributes:
      name: its id.
      caption: below it.
      data: bytes of a PNG or GIF file.
      downloads: dict, file name -> its bytes.
      pose_px: [19, 3] px of the pose that can be dragged on it, or None.
      size: rows and columns that these px are of.
    """

    name: str
    caption: str
    data: bytes
    downloads: dict = dataclasses.field(default_factory=dict)
    pose_px: object = None
    size: int = 0


def head(model_name, image_size, limits):
    """Returns the top of the page: what it does, which model it is, and what that can and cannot do."""
    return ('<h1>Reposing people</h1>'
            '<p>A photo of a person, a pose, and out comes the same person in that pose: choose both, then drag the '
            'joints on the picture.</p>'
            f'<details><summary>Model: {html.escape(model_name)}, {image_size} x {image_size} px. What it can, and '
            'what happens to your photos</summary><p>The model that comes with this project carries over what a photo '
            'shows and guesses the rest: backs, profiles, what an arm hid. It was trained on rendered people and few '
            'real ones, so photos of real people come out worse than the samples.</p>'
            f'<p>Uploads (photos up to {limits.upload_mb:g} MB, videos up to {limits.video_mb:g} MB) '
            'are deleted as soon as they are read; nothing leaves this server.</p></details>')


def message(text, is_error=False):
    """Returns a line of text in a box, or '' for none."""
    kind = 'message error' if is_error else 'message'
    return f'<div class="{kind}" data-number="{next(_numbers)}">{html.escape(text)}</div>' if text else ''


def figures(items, kind=''):
    """Lays `Figure`s out; returns HTML.

    Args:
      items: list of `Figure`.
      kind: class of the whole: 'first-large' shows the first one larger and the others beside or below it.
    """
    return f'<div class="figures {kind}">{"".join(map(_figure, items))}</div>'


def joints_bar():
    """Returns what stands below the picture whose joints can be dragged; joints.js makes it work."""
    rules = html.escape(json.dumps(edits.description()))
    most = edits.MOST_TILT_DEG
    return (f'<div class="joints-bar" data-joints="{rules}">'
            '<label><input type="checkbox" id="joints-shown" checked> Joints to drag</label>'
            '<label class="depth"><span class="depth-label">Depth: choose a joint</span> <span class="ends">near</span>'
            f'<input type="range" id="depth" min="-{most}" max="{most}" step="5" value="0" disabled>'
            '<span class="ends">far</span></label></div>'
            '<p id="joints-hint">Drag a joint: its limb turns and keeps its length. The wheel over a joint, or the '
            'slider, brings it towards us or away. Keys: arrows, Page Up and Page Down, Ctrl+Z.</p>')


def progress(done, total, what):
    """Returns a bar that tells how far work is; `total` 0: it has just begun."""
    told = html.escape(f'{done} of {total} {what}' if total else f'Beginning with the {what}')
    value = f' value="{done}" max="{total}"' if total else ''
    return f'<div class="working"><progress aria-label="{told}"{value}></progress> {told}</div>'


def _figure(figure):
    kind = 'gif' if figure.data.startswith(b'GIF') else 'png'
    links = ''.join(f'<a href="{_url(name.rpartition(".")[2], data)}" download="{name}" '
                    f'aria-label="Download {name}">{name.rpartition(".")[2].upper()}</a>'
                    for name, data in figure.downloads.items())
    told = f'<span class="downloads">Download {links}</span>' if links else ''
    pose = ''
    if figure.pose_px is not None:
        rounded = [[round(float(value), 3) for value in joint] for joint in figure.pose_px]
        pose = f' data-size="{figure.size}" data-pose="{json.dumps(rounded)}"'
    caption = html.escape(figure.caption)
    return (f'<figure id="{figure.name}"{pose}><div class="frame"><img src="{_url(kind, figure.data)}" '
            f'alt="{caption}"></div><figcaption>{caption} {told}</figcaption></figure>')


def _url(kind, data):
    return f'data:{_KINDS[kind]};base64,{base64.b64encode(data).decode()}'
