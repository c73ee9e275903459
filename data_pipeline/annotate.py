"""Makes a folder in the people layout of anybody's photos and videos: finds people, their 3D poses, and crops.

    python -m data_pipeline.annotate --images=photos --output=build/mine/poses.json --estimator=mediapipe

Started again, an interrupted run goes on, and one with new photos looks at those only. With --beam_options many
workers share the pictures (docs/at-scale.md); the result is the same.
"""

import functools
import sys

from absl import flags

from data_pipeline import program
from data_pipeline.annotation.checks import AcceptanceLimits
from data_pipeline.annotation.run import annotate
from data_pipeline.annotation.writer import CROPS
from data_pipeline.errors import UsageError
from data_pipeline.estimators.opening import open_estimator
from data_pipeline.workers.opening import open_workers

FLAGS = flags.FLAGS


def define_annotation():
    """Defines what is looked at, what is accepted and how it is cropped."""
    flags.DEFINE_string('images', '', 'Folder of photos, a folder for every person, and of videos of one person each.')
    flags.DEFINE_string('output', '', 'The poses.json to write; pictures and masks go beside it.')
    flags.DEFINE_enum('crop', 'auto', CROPS, 'picture: a square for every picture. person: one for all pictures of a '
                      'person, as of a camera that stands still. auto: person for videos in which the person stays '
                      'about in place, else picture. none: the pictures are square and stay as they are.')
    flags.DEFINE_integer('size', 512, 'Larger squares are shrunk to this, px.', lower_bound=32)
    flags.DEFINE_float('min_score', 0.5, "The estimator's score, in [0, 1].", lower_bound=0, upper_bound=1)
    flags.DEFINE_integer('max_joints_outside', 6, 'Of the 19 joints, outside of the picture.', lower_bound=0,
                         upper_bound=18)
    flags.DEFINE_integer('min_pictures', 2, 'Accepted pictures of a person; training needs 2, reposing 1.',
                         lower_bound=1)
    flags.DEFINE_integer('every', 1, 'Takes every so many frames of a video.', lower_bound=1)
    flags.DEFINE_float('smoothing', 0, 'Smooths the joints over the frames of a video: width of the Gaussian, frames; '
                                       '0: no.', lower_bound=0)
    flags.DEFINE_integer('person', None, 'Who is followed in videos: the n-th from the left, from 1, in the first '
                         'frame that shows so many. Default: the largest of the first frame that shows anybody.',
                         lower_bound=1)


def main():
    """Runs the program; see the module's docstring."""
    for name in ('images', 'output'):
        if not FLAGS[name].value:
            raise UsageError(f'--{name}=... must be given.')
    limits = AcceptanceLimits(FLAGS.min_score, FLAGS.max_joints_outside, FLAGS.min_pictures, FLAGS.crop == 'none')
    workers = open_workers(FLAGS.beam_options)
    open_again = functools.partial(open_estimator, FLAGS.estimator, FLAGS.model_dir, FLAGS.model_size, FLAGS.fov_deg)
    try:
        report = annotate(FLAGS.images, FLAGS.output, open_again(), FLAGS.crop, FLAGS.size, limits, FLAGS.every,
                          FLAGS.smoothing, workers, open_again, FLAGS.person)
    except KeyboardInterrupt:
        sys.exit('Interrupted; the same command goes on.')
    print(*report, sep='\n')


if __name__ == '__main__':
    program.run(main, program.define_estimator, define_annotation, program.define_workers)
