"""A page in the browser to try a model: choose or upload a person, choose a pose, see the person in it.

    python -m experiments.demo --model=runs/quickstart

Needs requirements-demo.txt, but no network: the browser asks this server alone (docs/demo.md).
"""

import pathlib
import sys

from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import DataError
from data_pipeline.estimators.opening import open_estimator
from experiments.configuration import flags
from experiments.demo_page.uploads import UploadLimits
from experiments.models.sizes import sized

FLAGS = absl_flags.FLAGS


def define_page():
    """Defines the server and what a request may cost."""
    text, integer, number = absl_flags.DEFINE_string, absl_flags.DEFINE_integer, absl_flags.DEFINE_float
    text('samples', 'data/valid', 'Folder in the people layout: the people and poses to choose from.')
    text('host', '127.0.0.1', 'Address to listen at; 0.0.0.0 lets other machines in.')
    integer('port', 7860, 'Port to listen at; 0: any free one.', lower_bound=0, upper_bound=65535)
    number('max_upload_mb', UploadLimits.upload_mb, 'Size of an uploaded photo, MB.', lower_bound=0.01)
    number('max_megapixels', UploadLimits.megapixels, 'Pixels of an uploaded photo, in millions.', lower_bound=0.01)
    number('max_video_mb', UploadLimits.video_mb, 'Size of an uploaded video, MB.', lower_bound=0.01)
    number('max_video_megapixels', UploadLimits.video_megapixels, 'Pixels of a frame of it, in millions.',
           lower_bound=0.01)
    integer('max_video_frames', UploadLimits.video_frames, 'Frames of it; longer ones are refused.', lower_bound=1)
    integer('max_frames', UploadLimits.frames, 'Pictures of a clip, and frames of a video whose poses are looked for.',
            lower_bound=2)
    number('max_seconds', UploadLimits.seconds, 'Seconds after which a clip, or the search for poses in a video, is '
           'given up.', lower_bound=0.1)
    absl_flags.DEFINE_bool('watermark', False, 'Writes a small mark into the lower right corner of every result.')
    integer('max_waiting', 16, 'Requests that wait for the one in work; more are turned away.', lower_bound=1)


def define_size():
    """Defines how large the pictures are."""
    flags.define_size(f'the largest up to {flags.LARGEST_PX}')


def main():
    model_path = flags.required('model')
    from experiments.demo_page import server
    with server.private_files():
        from experiments.models.opening import open_model  # TensorFlow after the flags
        reposer = sized(open_model(model_path, FLAGS.weights), FLAGS.size)
        estimator, no_estimator = _open_estimator()
        try:
            server.run(reposer, pathlib.Path(model_path).name, FLAGS.samples, _limits(), estimator, no_estimator,
                       host=FLAGS.host, port=FLAGS.port, max_waiting=FLAGS.max_waiting, watermark=FLAGS.watermark)
        except KeyboardInterrupt:
            print('Stopped.')


def _open_estimator():
    """Returns the estimator and '', or None and why there is none: the page works without."""
    try:
        return open_estimator(FLAGS.estimator, FLAGS.model_dir, FLAGS.model_size, FLAGS.fov_deg), ''
    except DataError as error:
        reason = program.one_line(error)
        print(f'Photos and videos cannot be uploaded: {reason}', file=sys.stderr)
        return None, reason


def _limits():
    return UploadLimits(
        upload_mb=FLAGS.max_upload_mb, megapixels=FLAGS.max_megapixels, frames=FLAGS.max_frames,
        seconds=FLAGS.max_seconds, video_mb=FLAGS.max_video_mb, video_megapixels=FLAGS.max_video_megapixels,
        video_frames=FLAGS.max_video_frames)


if __name__ == '__main__':
    program.run(main, flags.define_shipped_model_path, define_size, program.define_estimator, define_page)
