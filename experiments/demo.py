"""A page in the browser to try a model: choose or upload a person, choose a pose, see the person in it.

    python -m experiments.demo --model=runs/quickstart

Needs requirements-demo.txt. It works without any network: nothing is asked for but this server (docs/demo.md).
"""

import os
import pathlib
import sys
import tempfile

from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import DataError, UsageError
from data_pipeline.estimators.opening import open_estimator
from experiments.configuration import flags

FLAGS = absl_flags.FLAGS


def define_page():
    """Defines the server and what a request may cost."""
    text, integer, number = absl_flags.DEFINE_string, absl_flags.DEFINE_integer, absl_flags.DEFINE_float
    text('samples', 'data/people', 'Folder in the people layout: the people and poses to choose from.')
    text('host', '127.0.0.1', 'Address to listen at; 0.0.0.0 lets other machines in.')
    integer('port', 7860, 'Port to listen at; 0: any free one.', lower_bound=0, upper_bound=65535)
    number('max_upload_mb', 10, 'Size of an uploaded photo, MB.', lower_bound=0.01)
    number('max_megapixels', 25, 'Pixels of an uploaded photo, in millions.', lower_bound=0.01)
    number('max_video_mb', 30, 'Size of an uploaded video, MB.', lower_bound=0.01)
    number('max_video_megapixels', 9, 'Pixels of a frame of it, in millions.', lower_bound=0.01)
    integer('max_video_frames', 1800, 'Frames of it; longer ones are refused.', lower_bound=1)
    integer('max_frames', 48, 'Pictures of a clip, and frames of a video whose poses are looked for.', lower_bound=2)
    number('max_seconds', 60, 'Seconds after which a clip, or the search for poses in a video, is given up.',
           lower_bound=0.1)
    integer('max_waiting', 16, 'Requests that wait for the one in work; more are turned away.', lower_bound=1)


def main():
    model_path = flags.required('model')
    with tempfile.TemporaryDirectory(prefix='repose_demo_') as folder:
        _keep_files_in(folder)
        try:
            import gradio  # noqa: F401  (after the folder is known, which it reads when imported)
        except ImportError as error:
            raise UsageError('The page needs Gradio: pip install -r requirements.txt -r requirements-demo.txt '
                             f'({error}).') from error
        page = open_page(model_path)
        try:
            launch(page, FLAGS.host, FLAGS.port)
        except KeyboardInterrupt:
            print('Stopped.')


def open_page(model_path):
    """Loads what the flags name; returns the `Page`."""
    from experiments.demo_page import backend as demo_backend
    from experiments.demo_page import page as demo_page
    from experiments.demo_page import samples as demo_samples
    from experiments.demo_page.limits import Limits
    from experiments.models import opening  # TensorFlow after the flags
    model = opening.open_model(model_path, FLAGS.weights)
    estimator, no_estimator = None, ''
    try:
        estimator = open_estimator(FLAGS.estimator, FLAGS.model_dir, FLAGS.model_size, FLAGS.fov_deg)
    except DataError as error:
        no_estimator = program.one_line(error)
        print(f'Photos and videos cannot be uploaded: {no_estimator}', file=sys.stderr)
    limits = Limits(FLAGS.max_upload_mb, FLAGS.max_megapixels, FLAGS.max_frames, FLAGS.max_seconds,
                    FLAGS.max_video_mb, FLAGS.max_video_megapixels, FLAGS.max_video_frames)
    samples = demo_samples.load_samples(FLAGS.samples, model.image_size)
    backend = demo_backend.Backend(model, limits, estimator, no_estimator)
    backend.picture(samples.persons[0], samples.poses[0].pose)  # the first call builds the graph
    return demo_page.Page(backend, samples, pathlib.Path(model_path).name, no_estimator, FLAGS.max_waiting)


def launch(page, host, port):
    """Serves a `Page` until the process is interrupted."""
    from experiments.demo_page import page as demo_page
    from experiments.demo_page import server
    largest_mb = max(FLAGS.max_upload_mb, FLAGS.max_video_mb)
    with server.serve(page.blocks, host, port, demo_page.CSS_PATH, largest_mb) as address:
        print(f'Open {address} in a browser; Ctrl-C ends it.', flush=True)
        page.blocks.block_thread()


def _keep_files_in(folder):
    """Makes Gradio, Keras, matplotlib, and whoever asks for a temporary file, write into a folder that is removed at
    the end, and nothing into the user's home."""
    os.environ.update(GRADIO_TEMP_DIR=os.path.join(folder, 'page'), GRADIO_ANALYTICS_ENABLED='False',
                      GRADIO_RUN_HISTORY='False', HF_HUB_OFFLINE='1', HF_HUB_DISABLE_TELEMETRY='1', HF_HOME=folder,
                      KERAS_HOME=folder, MPLCONFIGDIR=folder)
    tempfile.tempdir = folder


if __name__ == '__main__':
    program.run(main, flags.define_model_path, program.define_estimator, define_page)
