"""The answers of the page to its controls: a new choice, messages and figures."""

import contextlib
import pathlib

import gradio as gr

from data_pipeline.picture_file import png
from experiments.demo_page import page_html
from experiments.demo_page.clips import steps
from experiments.demo_page.edits import Edits
from experiments.demo_page.page_html import Figure
from experiments.demo_page.uploads import RequestError
from experiments.demo_page.videos import POSE_SUFFIXES, VIDEO_SUFFIXES, Video
from experiments.pictures.marks import commented

TURN, FILM = 'turn round', 'your film'
_BUSY, _FREE = gr.update(visible=True), gr.update(visible=False)  # of the button that ends the work


class Answers:
    """Answers to the controls of the page.

    All take the visitor's `Choice` and the sliders' values last, and return what page.py connects them to. A request
    that is refused changes nothing but the message.
    """

    def __init__(self, backend, samples):
        """Args: `Backend` and `Samples`."""
        self._backend, self._samples, self._ended = backend, samples, set()

    def show(self, choice, *edits):
        """Returns a message and the pictures."""
        return self._answer(lambda: self._shown(choice, Edits(*edits)), 2)

    def choose(self, kind):
        """Returns the function that takes a sample person ('person') or pose ('pose')."""
        def take(event: gr.SelectData, choice, *edits):
            def changed():
                if kind == 'person':
                    return choice.with_person(self._samples.persons[event.index])
                return choice.with_pose(self._samples.poses[event.index])
            return self._changed(changed, edits)
        return take

    def take_person(self, path, choice, *edits):
        """Takes an uploaded photo of a person."""
        def changed():
            photo = self._backend.people_of(_read_once(path))
            return choice.with_person(photo.person, photo)
        return self._changed(changed, edits)

    def take_other(self, path, choice, *edits):
        """Takes another photo of the same person."""
        def changed():
            data = _read_once(path)
            self._backend.check_room(choice.person)
            photo = self._backend.people_of(data, 'another photo')
            return choice.with_other(photo)
        return self._changed(changed, edits)

    def choose_of_photo(self, number, choice, *edits):
        """Takes another person of the photo of the person."""
        return self._changed(lambda: choice.with_person_chosen(number), edits)

    def own_pose(self, choice, *edits):
        """Takes the pose that the person has in the photo."""
        return self._changed(choice.with_own_pose, edits)

    def choose_followed(self, number, choice, *edits):
        """Takes another person of the photo or film of the pose."""
        return self._changed(lambda: choice.with_followed(number), edits)

    def choose_frame(self, frame, choice, *edits):
        """Takes the pose of another frame of the film."""
        return self._changed(lambda: choice.with_frame(frame), edits)[:3]

    def move_joint(self, event: gr.EventData, choice, *edits):
        """Moves a joint that was dragged on the picture."""
        def moved():
            pose_px = self._pose(choice, Edits(*edits))
            pose_px, note = self._backend.with_joint_moved(choice.person, pose_px, getattr(event, 'move', None))
            after = choice.with_pose_by_hand(pose_px, Edits(*edits))
            told, shown = self._shown(after, Edits(*edits))
            return after, page_html.message(note) or told, shown
        return self._answer(moved, 3)

    def undo(self, choice, *edits):
        """Takes the latest change of the pose back."""
        return self._changed(choice.undone, edits)[:3]

    def take_pose(self, request: gr.Request, path, choice, *edits):
        """Takes the pose of an uploaded photo, or the poses of a film; tells how far the search in a film is."""
        nothing = [gr.skip()] * 8
        suffix = pathlib.Path(path).suffix.lower()
        try:
            with _deleted(path) as path:
                if suffix in (*VIDEO_SUFFIXES, *POSE_SUFFIXES):
                    source = yield from self._worked(
                        request, 'frames', lambda tell: self._backend.read_film(path, tell),
                        lambda bar: (*nothing, gr.skip(), bar, _BUSY))
                else:
                    source = self._backend.people_of(path.read_bytes())
            movement = FILM if isinstance(source, Video) else gr.skip()
            yield *self._changed(lambda: choice.with_pose(source.person, source), edits), movement, '', _FREE
        except RequestError as error:
            yield gr.skip(), page_html.message(str(error), is_error=True), *nothing[2:], gr.skip(), '', _FREE

    def make_clip(self, request: gr.Request, choice, movement, num_frames, *edits):
        """Makes a clip; tells how far it is."""
        def make(tell):
            person, backend, edited = choice.person, self._backend, Edits(*edits)
            if movement == TURN:
                return backend.turntable(person, self._pose(choice, edited), num_frames, tell)
            if movement == FILM:
                return backend.follow(person, choice.film, edited, tell)
            return backend.motion(person, movement, num_frames, edited, tell)

        try:
            clip = yield from self._worked(request, 'pictures', make, lambda bar: (gr.skip(), gr.skip(), bar, _BUSY))
            figure = Figure('clip-result', f'{choice.person.name}: {movement}', clip.gif,
                            {'reposed.gif': clip.gif, 'reposed.mp4': clip.mp4})
            notes = filter(None, (choice.film.note if movement == FILM else '', clip.note))
            yield page_html.message(' '.join(notes)), page_html.figures([figure], 'alone'), '', _FREE
        except RequestError as error:
            yield page_html.message(str(error), is_error=True), gr.skip(), '', _FREE

    def end(self, request: gr.Request):
        """Ends the work that tells this visitor how far it is."""
        self._ended.add(request.session_hash)

    def make_parts(self, choice, *edits):
        """Shows what the model makes on the way."""
        def make():
            parts = self._backend.parts(choice.person, self._pose(choice, Edits(*edits)))
            return '', page_html.figures([Figure(f'part-{index}', caption, png(image))
                                          for index, (caption, image) in enumerate(parts)])
        return self._answer(make, 2)

    def _worked(self, request, what, work, outputs):
        """Does `work(tell)`, yields outputs(bar) as often as it tells how far it is; returns what it returns."""
        visitor = request.session_hash
        self._ended.discard(visitor)

        def watched(tell):
            def look(done, total):
                if visitor in self._ended:
                    raise RequestError(f'Cancelled: {done} of {total} {what} were done.')
                tell(done, total)
            return work(look)
        told = steps(watched)
        try:
            yield outputs(page_html.progress(0, 0, what))
            while True:
                yield outputs(page_html.progress(*next(told), what))
        except StopIteration as done:
            return done.value
        except GeneratorExit:  # the visitor has left
            self._ended.add(visitor)
            told.close()
            raise
        finally:
            self._ended.discard(visitor)

    def _pose(self, choice, edits):
        return self._backend.target_pose(choice.person, choice.pose, edits, choice.since)

    def _shown(self, choice, edits):
        person, backend = choice.person, self._backend
        pose_px = self._pose(choice, edits)
        result = commented(png(backend.picture(person, pose_px)))
        notes = dict.fromkeys(one.note for one in (person, *person.others, choice.pose) if one.note)
        downloads = {'reposed.png': result, 'pose.json': backend.pose_file(person, pose_px)}
        return page_html.message(' '.join(notes)), page_html.figures([
            Figure('result', f'{person.name}, pose: {choice.pose.name}', result, downloads, pose_px,
                   backend.image_size),
            Figure('source', f'The person: {person.name}', png(person.image)),
            *(Figure(f'source-{number}', f'Photo {number} of the person', png(other.image))
              for number, other in enumerate(person.others, 2))], 'first-large')

    def _changed(self, change, edits):
        """Returns the choice as `change` returns it, message and pictures of it, and what chooses among people."""
        def make():
            choice = change()
            return choice, *self._shown(choice, Edits(*edits)), *_people(choice)
        return self._answer(make, 8)

    def _answer(self, make, count):
        """Returns what `make` returns; if the request is refused, the reason in place of the message."""
        try:
            return make()
        except RequestError as error:
            answer = [gr.skip()] * count
            answer[count > 2] = page_html.message(str(error), is_error=True)
            return tuple(answer)


def _people(choice):
    """Returns the people to choose from, HTML and a radio, of the person's photo and of the pose's source; and the
    slider of the film's frames."""
    found = []
    for source, what in ((choice.person_photo, 'person'), (choice.pose_source, 'pose')):
        several = source is not None and len(source.people) > 1
        shown = page_html.figures([Figure(f'{what}-people', 'Several people were seen', png(source.picture))],
                                  'alone') if several else ''
        radio = gr.update(choices=list(source.people), value=source.chosen, visible=True) if several else gr.update(
            visible=False)
        found += [shown, radio]
    source = choice.pose_source
    if not isinstance(source, Video) or len(source.poses_px) < 2:
        return *found, gr.update(visible=False)
    return *found, gr.update(maximum=len(source.poses_px), visible=True, value=source.frame)


@contextlib.contextmanager
def _deleted(path):
    """Yields an uploaded file's path and deletes the file: uploads are not kept."""
    path = pathlib.Path(path)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _read_once(path):
    """Returns the bytes of an uploaded file and deletes it."""
    with _deleted(path) as path:
        return path.read_bytes()
