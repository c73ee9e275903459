"""Annotating a folder of photos and videos: the steps from listing the files to poses.json."""

import collections
import itertools
import json
import operator
import pathlib

from tqdm import tqdm

from data_pipeline.annotation import checks
from data_pipeline.annotation.finder import FinderWorker, finder_tasks, look_through
from data_pipeline.annotation.journal import AnnotationJournal
from data_pipeline.annotation.sources import list_sources, numbered_persons
from data_pipeline.annotation.writer import CropWriter, PeopleWriter
from data_pipeline.errors import DataError
from data_pipeline.files import write_text
from data_pipeline.finding import natural_key


def annotate(images, output, estimator, crop='auto', size=512, limits=None, every=1, smoothing=0.0, workers=None,
             open_again=None, person=None):
    """Finds the people in a folder of photos and videos, and writes a folder in the people layout.

    Args:
      images: the folder.
      output: path of the poses.json to write; images/, masks/ and rejects.json go beside it.
      estimator: `person.Estimator`.
      crop, size: see `PeopleWriter`.
      limits: `checks.AcceptanceLimits`, or None for the usual ones.
      every: takes frames 0, every, 2 * every, ... of a video.
      smoothing: width of the Gaussian over the frames of a video, frames; 0: no smoothing.
      workers: `BeamWorkers`, or None: this process does everything.
      open_again: function without arguments that opens the estimator in a worker.
      person: who is followed in videos, see `following.Follower`.

    Returns:
      the report: a list of lines.

    Raises:
      DataError: there is nothing to look at, or nothing was accepted.
      WriteError: something cannot be written.
    """
    limits = limits or checks.AcceptanceLimits(is_square=crop == 'none')
    sources, unusable = list_sources(images)
    root, work_dir = _places(images, output, crop)
    masks, path, must_be_upright = work_dir / 'masks', work_dir / 'journal.jsonl', crop == 'none'
    rejects = [checks.Reject(name, '', 'unusable_file', detail) for name, detail in unusable]
    settings = {'estimator': estimator.origin, 'every': every, 'must_be_upright': must_be_upright,
                'person': person}
    writer, cutter = PeopleWriter(root, work_dir / 'new', crop, size), CropWriter(work_dir / 'new', masks, size, every)
    with AnnotationJournal(path, settings) as journal:
        crops = _crops(sources, journal, limits, smoothing, writer, rejects)
        if workers:
            workers.run(lambda: FinderWorker(open_again, path, settings, masks, every, must_be_upright, person),
                        finder_tasks(sources, journal), work_dir / 'tasks')
            journal.take_in()
            workers.run(lambda: cutter, crops, work_dir / 'tasks')
        else:
            files = {source.name for source in sources}
            with tqdm(total=len(sources), unit=' files', desc='looking for people') as bar:
                look_through(sources, estimator, journal, masks, every, must_be_upright, person,
                             lambda name: bar.update() if name in files else bar.set_postfix_str(name))
            with tqdm(unit=' pictures', desc='writing') as bar:
                for some in crops:
                    cutter(some, lambda name: bar.update())
        notes = [note for source in sources if source.is_video and (note := journal.note(source))]
    return _finish(root, writer, rejects, estimator.origin, smoothing) + _told(sources, notes)


def _crops(sources, journal, limits, smoothing, writer, rejects):
    """Yields the `Crop`s of each person, a list; meanwhile adds poses to the writer and `Reject`s to `rejects`."""
    person = operator.attrgetter('person')
    for _, found in itertools.groupby(sorted(sources, key=person), person):
        found = list(found)
        rejects += [checks.Reject(source.name, '', 'unreadable', problem) for source in found
                    if source.is_video and (problem := journal.end(source))]
        accepted, refused = checks.check_person(
            [(source, *item) for source in found for item in journal.frames(source).items()
             if source.is_video or item[0] == source.frame], limits, smoothing)
        rejects += refused
        if accepted and (crops := writer.add(accepted)):
            yield crops


def _places(images, output, crop):
    """Returns the folder to write and that of the work in progress; refuses places where files would be lost."""
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


def _told(sources, notes):
    """Returns what the user is told of the files, a list of lines; `notes` are those of videos."""
    lines = []
    if notes:
        lines.append(f'{len(notes)} videos are shorter than their headers announce, all that can be read was taken: '
                     f'{" ".join(notes[:3])}')
    if numbered := numbered_persons(sources):
        named = ', '.join(f'{place} is {person}' for place, person in numbered.items())
        lines.append(f'Persons that would have the name of another have a number: {named}.')
    return lines


def _finish(root, writer, rejects, origin, smoothing):
    """Writes rejects.json and the rest; returns the report."""
    rejects = sorted(rejects, key=lambda reject: natural_key(f'{reject.name}/{reject.frame}'))
    counts = collections.Counter(reject.reason for reject in rejects)
    path = root / 'rejects.json'
    content = {'counts': dict(sorted(counts.items())), 'rejects': [vars(reject) for reject in rejects]}
    write_text(path, json.dumps(content, indent=1) + '\n')
    told = ', '.join(f'{count} {checks.REASONS[reason]}' for reason, count in counts.most_common())
    if not writer.num_poses:
        raise DataError(f'--images: expected at least one picture to be accepted, found none: {told}. See {path}.')
    over_time = f', smoothed over time with {smoothing:g} frames' if smoothing else ''
    writer.finish(f'{origin}; one px per mm a picture by least squares over the joints{over_time}')
    report = [f'{root / "poses.json"}: {writer.num_poses} poses of {writer.num_persons} persons.']
    if rejects:
        report.append(f'Not used: {len(rejects)} ({told}); listed in {path}.')
    if writer.num_several:
        report.append(f'{writer.num_several} pictures show several people: of photos the largest was taken, in videos '
                      'one was followed.')
    if writer.num_moving_videos:
        report.append(f'In {writer.num_moving_videos} videos the person moves too far for one square: every frame has '
                      'its own, so their background moves.')
    return report
