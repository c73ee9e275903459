"""The sound of a film, put beside the pictures of another: copied where the new file can hold it, else encoded anew."""

import io
import math
import os
import pathlib

from data_pipeline.files import whole_file

# Suffix of a film -> the sounds that it holds for every player, by FFmpeg's names; the first one others become.
_HELD = {'.mp4': ('aac', 'mp3', 'ac3', 'opus', 'alac'), '.webm': ('libopus', 'opus', 'vorbis')}


def can_have_sound(path):
    """Returns whether a file of this name can hold sound."""
    return pathlib.Path(path).suffix.lower() in _HELD


def has_sound(film):
    """Returns whether a film has sound that can be read; None where the package that does, PyAV, is not installed."""
    try:
        import av  # an optional requirement
    except ImportError:
        return None
    try:
        with av.open(_local(film)) as opened:
            return bool(opened.streams.audio)
    except av.error.FFmpegError:
        return False


def extracted(film):
    """Takes the first sound of a film out of it, from the time of its first picture on.

    Returns:
      the bytes of a file, which `add_sound` takes, b'' where there is no sound or none can be read; and what the user
      is told then, or ''.
    """
    found = has_sound(film)
    if not found:
        return b'', 'Its sound, if any, is left out: requirements-sound.txt is not installed.' if found is None else ''
    import av
    file = io.BytesIO()
    try:
        with av.open(_local(film)) as opened, av.open(file, 'w', format='matroska') as alone:
            sound = opened.streams.audio[0]
            target = alone.add_stream_from_template(sound)
            for packet in _copied(opened, sound, target, _start_of(opened), math.inf):
                alone.mux(packet)
    except av.error.FFmpegError:
        return b'', 'Its sound cannot be read, and is left out.'
    return file.getvalue(), ''


def add_sound(path, film, seconds):
    """Gives a film the first sound of another one, from the time of that one's first picture on.

    Args:
      path: the film, .mp4 or .webm, which has pictures alone; it is written anew, whole or not at all.
      film: the other one, see `has_sound`.
      seconds: of sound that are taken, as long as `path` lasts; the last piece of sound may be 0.1 s longer.

    Returns:
      what the user is told where the sound cannot be read or held, a line; then `path` stays as it was. Else ''.
    """
    import av
    try:
        with whole_file(path) as unfinished, av.open(_local(path)) as pictures, av.open(_local(film)) as other, \
                av.open(_local(unfinished), 'w') as both:
            _join(both, pictures.streams.video[0], other, seconds, _HELD[pathlib.Path(path).suffix.lower()])
    except av.error.FFmpegError as error:
        return f'{film}: its sound is left out: it cannot be read, or not be written ({error.strerror or error}).'
    return ''


def _join(both, pictures, other, seconds, held):
    """Writes pictures and sound into one container, in the order of their times."""
    sound = other.streams.audio[0]
    start = _start_of(other)
    targets = [both.add_stream_from_template(pictures)]
    is_copied = sound.codec_context.name in held
    targets.append(both.add_stream_from_template(sound) if is_copied
                   else both.add_stream(held[0], rate=48000 if held[0] == 'libopus' else sound.rate))
    for packet in pictures.container.demux(pictures):
        if packet.dts is not None:
            packet.stream = targets[0]
            both.mux(packet)
    for packet in (_copied if is_copied else _encoded)(other, sound, targets[1], start, seconds):
        both.mux(packet)


def _start_of(film):
    """Returns the time of an opened film's first picture, seconds; 0 where there are no pictures."""
    return min((stream.start_time * stream.time_base for stream in film.streams.video
                if stream.start_time is not None), default=0)


def _copied(other, sound, target, start, seconds):
    """Yields the packets of a sound between two times, which then begins at 0."""
    for packet in other.demux(sound):
        if packet.pts is None:
            continue
        time = packet.pts * sound.time_base - start
        if time + (packet.duration or 0) * sound.time_base > 0 and time < seconds:
            packet.pts -= round(start / sound.time_base)
            packet.dts = packet.pts
            packet.stream = target
            yield packet


def _encoded(other, sound, target, start, seconds):
    """Yields packets of the same, encoded anew."""
    for frame in other.decode(sound):
        time = frame.pts * frame.time_base - start
        if 0 <= time < seconds:
            frame.pts -= round(start / frame.time_base)
            yield from target.encode(frame)
    yield from target.encode(None)


def _local(path):
    """Returns a path that FFmpeg does not take for a protocol because of a : in it."""
    return os.path.join(os.getcwd(), path)
