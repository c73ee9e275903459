"""Makes a folder in the people layout of anybody's photos and videos: finds people, their 3D poses, and crops.

    python -m data_pipeline.annotate --images=photos --output=build/mine/poses.json --estimator=mediapipe

Started again, an interrupted run goes on, and one with new photos looks at those only. With --beam_options many
workers share the pictures (docs/at-scale.md); what comes out is the same.
"""

import collections
import functools
import json
import pathlib
import sys

from absl import flags
from tqdm import tqdm

from data_pipeline import program
from data_pipeline.annotation import checks
from data_pipeline.annotation.finder import look_through
from data_pipeline.annotation.finder_worker import FinderWorker, finder_tasks
from data_pipeline.annotation.journal import AnnotationJournal
from data_pipeline.annotation.sources import list_sources
from data_pipeline.annotation.writer import CROPS, CropWriter, PeopleWriter
from data_pipeline.errors import DataError, UsageError
from data_pipeline.estimators.opening import define_estimator, open_estimator
from data_pipeline.workers.opening import define_workers, open_workers

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


def annotate(images, output, estimator, crop='auto', size=512, limits=None, every=1, smoothing=0.0, workers=None,
             open_again=None):
    """Annotates a folder of photos and videos.

    Args:
      images: the folder.
      output: path of the poses.json to write; images/, masks/ and rejects.json go beside it.
      estimator: `person.Estimator`.
      crop, size: see `PeopleWriter`.
      limits: `pose_checks.Limits`, or None for the usual ones.
      every: takes every so many frames of a video.
      smoothing: frames, see smoothing.py.
      workers: `BeamWorkers`, or None: all is done in this process.
      open_again: function without arguments that opens the estimator in a worker.

    Returns:
      the report: a list of lines.

    Raises:
      DataError: nothing to look at, nothing accepted, or something that cannot be written.
    """
    limits = limits or checks.Limits(is_square=crop == 'none')
    sources, unusable = list_sources(images)
    root, work_dir = _places(images, output, crop)
    masks, path, is_upright = work_dir / 'masks', work_dir / 'journal.jsonl', crop != 'none'
    rejects = [checks.Reject(name, '', 'unusable_file', detail) for name, detail in unusable]
    settings = {'estimator': estimator.origin, 'every': every, 'upright': is_upright}
    writer, cutter = PeopleWriter(root, work_dir / 'new', crop, size), CropWriter(work_dir / 'new', masks, size, every)
    with AnnotationJournal(path, settings) as journal:
        crops = _crops(sources, journal, limits, smoothing, writer, rejects)
        if workers:
            workers.run(lambda: FinderWorker(open_again, path, settings, masks, every, is_upright),
                        finder_tasks(sources, journal), work_dir / 'tasks')
            journal.take_in()
            workers.run(lambda: cutter, crops, work_dir / 'tasks')
        else:
            with tqdm(total=len(sources), unit=' files', desc='looking for people') as bar:
                look_through(sources, estimator, journal, masks, every, is_upright,
                             _Progress(bar, {source.name for source in sources}))
            with tqdm(unit=' pictures', desc='writing') as bar:
                for person in crops:
                    cutter(person, lambda name: bar.update())
    return _finish(root, writer, rejects, _origin(estimator, smoothing))


def _crops(sources, journal, limits, smoothing, writer, rejects):
    """Yields the list of `Crop`s of each person, and hands poses to the writer and `Reject`s to the list meanwhile."""
    for found in _persons(sources):
        rejects += _ends(found, journal)
        accepted, refused = checks.check_person(
            [(source, *item) for source in found for item in journal.frames(source).items()
             if source.is_video or item[0] == source.frame], limits, smoothing)
        rejects += refused
        if accepted and (crops := writer.add(accepted)):
            yield crops


class _Progress:
    """Moves the bar by one a file, and shows the frame of a video."""

    def __init__(self, bar, files):
        self._bar, self._files = bar, files

    def __call__(self, name):
        if name in self._files:
            self._bar.update()
        else:
            self._bar.set_postfix_str(name)


def _places(images, output, crop):
    """Returns the folder to write and that of the work in progress; refuses what would hurt."""
    output = pathlib.Path(output)
    if output.name != 'poses.json':
        raise DataError(f'--output: expected a path that ends in poses.json, found {str(output)!r}.')
    root, folder = output.absolute().parent.resolve(), pathlib.Path(images).resolve()
    work_dir = root / 'annotation'
    written = ['poses.json'] if crop == 'none' else ['poses.json', 'images', 'masks']
    if root.is_relative_to(folder) or any(folder.is_relative_to(root / name) for name in written):
        raise DataError(f'--output: expected a folder apart from --images={images}, found {root}: what is written '
                        'there would be read, or what is read be replaced.')
    there = [name for name in written if (root / name).exists()]
    if there and not (work_dir / 'journal.jsonl').exists():
        raise DataError(f'--output: expected a new folder, or one that this program has made, found {there[0]} of '
                        f'another in {root}.')
    return root, work_dir


def _persons(sources):
    """Returns the sources by person: a list of lists."""
    persons = collections.defaultdict(list)
    for source in sources:
        persons[source.person].append(source)
    return [persons[person] for person in sorted(persons)]


def _ends(sources, journal):
    """Returns a `Reject` for every video that could not be read to its end."""
    return [checks.Reject(source.name, '', 'unreadable', journal.end(source))
            for source in sources if source.is_video and journal.end(source)]


def _origin(estimator, smoothing):
    over_time = f', smoothed over time with {smoothing:g} frames' if smoothing else ''
    return f'{estimator.origin}; one px per mm a picture by least squares over the joints{over_time}'


def _finish(root, writer, rejects, origin):
    """Writes rejects.json and the rest; returns the report."""
    rejects = sorted(rejects, key=lambda reject: (reject.name, reject.frame))
    counts = collections.Counter(reject.reason for reject in rejects)
    path = root / 'rejects.json'
    content = {'counts': dict(sorted(counts.items())), 'rejects': [vars(reject) for reject in rejects]}
    try:
        path.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')
    except OSError as error:
        raise DataError(f'{path}: cannot be written ({error.strerror}).') from error
    told = ', '.join(f'{count} {checks.REASONS[reason]}' for reason, count in counts.most_common())
    if not writer.num_poses:
        raise DataError(f'--images: expected at least one picture to be accepted, found none: {told}. See {path}.')
    writer.finish(origin)
    report = [f'{root / "poses.json"}: {writer.num_poses} poses of {writer.num_persons} persons.']
    if rejects:
        report.append(f'Not used: {len(rejects)} ({told}); listed in {path}.')
    if writer.num_several:
        report.append(f'{writer.num_several} pictures show several people: the largest was taken.')
    if writer.num_moving_videos:
        report.append(f'In {writer.num_moving_videos} videos the person moves too far for one square: every frame has '
                      'its own, so their background moves.')
    return report


def main():
    """Runs the program; see the module's docstring."""
    for name in ('images', 'output'):
        if not FLAGS[name].value:
            raise UsageError(f'--{name}=... must be given.')
    limits = checks.Limits(FLAGS.min_score, FLAGS.max_joints_outside, FLAGS.min_pictures, FLAGS.crop == 'none')
    workers = open_workers(FLAGS.beam_options)
    open_again = functools.partial(open_estimator, FLAGS.estimator, FLAGS.model_dir, FLAGS.model_size, FLAGS.fov_deg)
    estimator = open_again()
    try:
        report = annotate(FLAGS.images, FLAGS.output, estimator, FLAGS.crop, FLAGS.size, limits, FLAGS.every,
                          FLAGS.smoothing, workers, open_again)
    except KeyboardInterrupt:
        sys.exit('Interrupted; the same command goes on.')
    print(*report, sep='\n')


if __name__ == '__main__':
    program.run(main, define_estimator, define_annotation, define_workers)
