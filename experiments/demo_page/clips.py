"""Clips as files, and telling how far the work on one is."""

import concurrent.futures
import dataclasses
import pathlib
import queue
import tempfile

from experiments.pictures.drawing import enlarge
from experiments.pictures.files import gif, open_output
from experiments.pictures.sound import add_sound


@dataclasses.dataclass(frozen=True)
class Clip:
    """A clip, the bytes of two files.

    Attributes:
      gif: repeats; shown on the page.
      mp4: the same pictures in all their colours, and the sound of the film that they follow.
      note: what the page tells of it, or ''.
    """

    gif: bytes
    mp4: bytes
    note: str = ''


def encoded(images, fps, sound=b'', note=''):
    """Returns square images, uint8 [N, S, S, 3] RGB, as a `Clip`; small ones are enlarged.

    `sound` is what `sound.extracted` returns, b'' for none.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'clip.mp4'  # OpenCV writes films to files alone
        with open_output(path, fps) as add:
            for image in images:
                add(enlarge(image))
        if sound:
            (heard := path.with_name('your film')).write_bytes(sound)
            trouble = add_sound(path, heard, len(images) / fps)
            note = ' '.join(filter(None, (note, trouble.replace(str(heard), heard.name))))
        return Clip(gif(images, fps), path.read_bytes(), note)


def steps(work):
    """Does work in a thread and tells how far it is.

    Args:
      work: function of `progress`, itself a function of (number done, of how many).

    Yields:
      (number done, of how many), each time that `progress` is called.

    Returns:
      what `work` returns; raises what it raises.
    """
    told = queue.SimpleQueue()
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        done = threads.submit(work, lambda *step: told.put(step))
        done.add_done_callback(lambda _: told.put(None))
        while (step := told.get()) is not None:
            yield step
    return done.result()
