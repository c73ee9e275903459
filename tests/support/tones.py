"""Films with tones, a second of every pitch, and what is heard of a film."""

import fractions

import numpy as np

RATE = 16000
PITCHES = (400, 700, 1100, 1900)  # Hz, of each second of the film


def add_tones(av, path, codec, late=0.0):
    """Gives a film of pictures a second of every pitch; pictures and sound both begin `late` seconds after 0."""
    times = np.arange(RATE) / RATE
    wave = np.concatenate([np.sin(2 * np.pi * pitch * times) for pitch in PITCHES]).astype(np.float32)[np.newaxis] / 2
    silent = path.with_name(f'silent{path.suffix}')
    path.rename(silent)
    with av.open(str(silent)) as source, av.open(str(path), 'w') as film:
        picture = film.add_stream_from_template(source.streams.video[0])
        tone = film.add_stream(codec, rate=RATE)
        tone.layout = 'mono'
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.pts += round(late / packet.time_base)
                packet.dts += round(late / packet.time_base)
                packet.stream = picture
                film.mux(packet)
        frame = av.AudioFrame.from_ndarray(wave, format='fltp', layout='mono')
        frame.rate, frame.pts, frame.time_base = RATE, round(late * RATE), fractions.Fraction(1, RATE)
        for part in (frame, None):
            for packet in tone.encode(part):
                film.mux(packet)
    return path


def heard(av, path):
    """Returns the codec, the samples [N], their number a second and the time of the first, seconds."""
    with av.open(str(path)) as film:
        stream = film.streams.audio[0]
        frames = list(film.decode(stream))
        samples = np.concatenate([frame.to_ndarray().astype(np.float64)[0] for frame in frames])
        return stream.codec_context.name, samples, frames[0].rate, float(frames[0].pts * frames[0].time_base)


def pitch(samples, rate):
    """Returns the loudest frequency, Hz."""
    return np.argmax(np.abs(np.fft.rfft(samples))) * rate / len(samples)
