"""The page of `experiments.demo`, made with Gradio; backend.py computes what it shows."""

import contextlib
import dataclasses
import pathlib

import gradio as gr

from data_pipeline.picture_file import png
from experiments.demo_page import page_html
from experiments.demo_page.backend import EDIT_BOUNDS_DEG, Edits
from experiments.demo_page.motions import MOTIONS
from experiments.demo_page.samples import PagePerson
from experiments.demo_page.uploads import RequestError
from experiments.demo_page.videos import VIDEO_SUFFIXES, Video
from experiments.pictures.drawing import enlarge, pose_picture

CSS_PATH = pathlib.Path(__file__).with_suffix('.css')
_LABELS = {'turn_deg': 'Turn', 'bend_deg': 'Bend forwards', 'left_arm_deg': 'Raise left arm',
           'right_arm_deg': 'Raise right arm'}
_NO_ESTIMATOR = 'Photos and videos of your own: not here, as no model that finds poses is installed. {}'
_PHOTO_SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.avif')
_TURN, _VIDEO = 'turn round', 'your video'
_KEEP_S = 600  # files in the page's folder


@dataclasses.dataclass(frozen=True)
class Choice:
    """A visitor's choice.

    Attributes:
      person: who is shown.
      pose: whose pose is taken.
      video: the uploaded video, or None.
    """

    person: PagePerson
    pose: PagePerson
    video: Video | None = None


class Page:
    """The page.

    Attributes:
      blocks: `gr.Blocks`, not launched.
    """

    def __init__(self, backend, samples, model_name, no_estimator='', max_waiting=16):
        """Builds the page.

        Args:
          backend: `Backend`.
          samples: `Samples`.
          model_name: what the page calls the model.
          no_estimator: why photos cannot be taken, or ''.
          max_waiting: requests that wait; more are turned away.
        """
        self._backend, self._samples = backend, samples
        with gr.Blocks(title='Reposing people', analytics_enabled=False, delete_cache=(60, _KEEP_S)) as self.blocks:
            gr.HTML(page_html.head(model_name, backend.image_size, backend.limits), elem_id='head')
            # Not the first person in the first pose, which is their own: the first picture shall show something new.
            first = len(samples.persons) - 1, len(samples.poses) // 2
            self._choice = gr.State(Choice(samples.persons[first[0]], samples.poses[first[1]]), time_to_live=3600)
            with gr.Row():
                with gr.Column(scale=5, min_width=300):
                    self._add_choosers(first, no_estimator)
                with gr.Column(scale=6, min_width=300):
                    self._add_results(not no_estimator)
        self._connect()
        self.blocks.queue(max_size=max_waiting, default_concurrency_limit=1, api_open=False)

    def _add_choosers(self, first, no_estimator):
        def gallery(items, chosen, elem_id):
            return gr.Gallery(items, selected_index=chosen, format='png', columns=5, height='auto',
                              object_fit='contain', allow_preview=False, show_label=False, elem_id=elem_id,
                              interactive=False, buttons=[])

        def upload(label, elem_id):
            return _upload_button(label, _PHOTO_SUFFIXES, elem_id, not no_estimator)

        size = self._backend.image_size
        gr.Markdown('### 1. The person', elem_classes='step')
        self._persons = gallery([(enlarge(person.image), person.name) for person in self._samples.persons],
                                first[0], 'persons')
        self._person_upload = upload('Upload a photo of a person', 'person-upload')
        self._other_upload = upload('Add another photo of the same person, from behind for example', 'other-upload')
        gr.Markdown('### 2. The pose', elem_classes='step')
        self._poses = gallery([(pose_picture(size, pose.pose_px), pose.name) for pose in self._samples.poses], first[1],
                              'poses')
        self._pose_upload = upload('Take the pose from a photo', 'pose-upload')
        if no_estimator:
            gr.HTML(page_html.message(_NO_ESTIMATOR.format(no_estimator)), elem_id='no-estimator')
        self._sliders = [gr.Slider(*EDIT_BOUNDS_DEG[name], value=0, step=5, label=f'{label} (°)', elem_id=name,
                                   buttons=['reset']) for name, label in _LABELS.items()]

    def _add_results(self, takes_uploads):
        gr.Markdown('### 3. The result', elem_classes='step')
        self._message = gr.HTML('', elem_id='message')
        self._skeleton = gr.Checkbox(False, label='Show the skeleton over the pictures', elem_id='skeleton',
                                     container=False)
        with gr.Tabs():
            with gr.Tab('Picture'):
                self._picture = gr.HTML('', elem_id='picture')
            with gr.Tab('Clip'):
                self._add_clip(takes_uploads)
            with gr.Tab('Inside the model'):
                self._parts_button = gr.Button('Show the parts', variant='primary', elem_id='make-parts')
                self._parts = gr.HTML('', elem_id='parts')

    def _add_clip(self, takes_uploads):
        most = self._backend.limits.frames
        movements = [(f'{_TURN}, in the pose chosen', _TURN), *((name, name) for name in MOTIONS)]
        self._movement = gr.Radio([*movements, *([(_VIDEO, _VIDEO)] if takes_uploads else [])], value=_TURN,
                                  label='Movement', elem_id='movement')
        self._video_upload = _upload_button('Take the poses from a video', VIDEO_SUFFIXES, 'video-upload',
                                            takes_uploads)
        self._people = gr.HTML('', elem_id='video-people')
        self._followed = gr.Radio([], label='Whom to follow', elem_id='followed', visible=False)
        self._frames = gr.Slider(2, most, value=min(24, most), step=1, label='Pictures', elem_id='frames',
                                 buttons=[])
        self._clip_button = gr.Button('Make the clip', variant='primary', elem_id='make-clip')
        self._clip = gr.HTML('', elem_id='clip')

    def _connect(self):
        shared = {'concurrency_id': 'model', 'concurrency_limit': 1, 'api_visibility': 'private',
                  'show_progress': 'minimal'}
        controls = [self._skeleton, *self._sliders]
        shown = [self._message, self._picture]
        with self.blocks:
            self.blocks.load(self._show, [self._choice, *controls], shown, **shared)
            for control in controls:
                event = control.input if control is self._skeleton else control.change
                event(self._show, [self._choice, *controls], shown, trigger_mode='always_last', **shared)
            for gallery, kind in ((self._persons, 'person'), (self._poses, 'pose')):
                gallery.select(self._chooser(kind), [self._choice, *controls], [self._choice, *shown], **shared)
            uploads = {'person': self._person_upload, 'other': self._other_upload, 'pose': self._pose_upload}
            for kind, button in uploads.items():
                button.upload(self._uploader(kind), [button, self._choice, *controls], [self._choice, *shown], **shared)
            followed = [self._movement, self._message, self._clip]
            of_clip = [self._choice, self._movement, self._frames, *self._sliders]
            self._clip_button.click(self._make_clip, of_clip, [self._message, self._clip], **shared)
            self._video_upload.upload(self._take_video, [self._video_upload, self._choice, *self._sliders],
                                      [self._choice, self._people, self._followed, *followed], **shared)
            self._followed.input(self._follow, [self._followed, self._choice, *self._sliders],
                                 [self._choice, *followed], **shared)
            self._parts_button.click(self._make_parts, [self._choice, *self._sliders], [self._message, self._parts],
                                     **shared)

    def _chooser(self, kind):
        offered = self._samples.persons if kind == 'person' else self._samples.poses

        def choose(event: gr.SelectData, choice, *controls):
            choice = dataclasses.replace(choice, **{kind: offered[event.index]})
            return choice, *self._show(choice, *controls)
        return choose

    def _uploader(self, kind):
        def take(path, choice, *controls):
            try:
                with _read_once(path) as path:
                    data = path.read_bytes()
                found = self._backend.person_of(data) if kind != 'other' else self._backend.with_photo(
                    choice.person, data)
                choice = dataclasses.replace(choice, **{'person' if kind == 'other' else kind: found})
            except RequestError as error:
                return gr.skip(), page_html.message(str(error), is_error=True), gr.skip()
            return choice, *self._show(choice, *controls)
        return take

    def _show(self, choice, with_skeleton, *edits):
        def show():
            person, backend = choice.person, self._backend
            pose_px = backend.target_pose(person, choice.pose, Edits(*edits))
            result = backend.picture(person, pose_px)
            source_shown, result_shown = png(person.image), png(result)
            if with_skeleton:
                source_shown = png(backend.skeleton(person.image, person.pose_px))
                result_shown = png(backend.skeleton(result, pose_px))
            notes = dict.fromkeys(one.note for one in (person, *person.others, choice.pose) if one.note)
            return ' '.join(notes), page_html.figures([
                ('result', f'{person.name} in the pose', result_shown, 'reposed.png', True),
                ('source', f'The person: {person.name}', source_shown, '', False),
                *((f'source-{number}', f'Photo {number} of the person', png(other.image), '', False)
                  for number, other in enumerate(person.others, 2)),
                ('target', f'The pose: {choice.pose.name}', png(pose_picture(len(result), pose_px)), '', False)])
        return self._answer(show)

    def _take_video(self, path, choice, *edits):
        try:
            with _read_once(path) as path:
                choice = dataclasses.replace(choice, video=self._backend.read_video(path))
        except RequestError as error:
            return *[gr.skip()] * 4, page_html.message(str(error), is_error=True), gr.skip()
        video = choice.video
        shown = '' if video.picture is None else page_html.figures(
            [('people', 'The people in the video', png(video.picture), '', False)])
        followed = gr.update(choices=list(video.people), value=video.chosen, visible=len(video.people) > 1)
        return choice, shown, followed, _VIDEO, *self._make_clip(choice, _VIDEO, None, *edits)

    def _follow(self, number, choice, *edits):
        try:
            choice = dataclasses.replace(choice, video=choice.video.with_chosen(number))
        except RequestError as error:
            return gr.skip(), gr.skip(), page_html.message(str(error), is_error=True), gr.skip()
        return choice, _VIDEO, *self._make_clip(choice, _VIDEO, None, *edits)

    def _make_clip(self, choice, movement, num_frames, *edits):
        def make():
            person, backend, note, edited = choice.person, self._backend, '', Edits(*edits)
            if movement == _TURN:
                clip = backend.turntable(person, backend.target_pose(person, choice.pose, edited), num_frames)
            elif movement == _VIDEO:
                clip = backend.follow(person, choice.video, edited)
                note = choice.video.note
            else:
                clip = backend.motion(person, movement, num_frames, edited)
            return note, page_html.figures([('clip-result', f'{person.name}: {movement}', clip, 'reposed.gif', True)])
        return self._answer(make)

    def _make_parts(self, choice, *edits):
        def make():
            pose_px = self._backend.target_pose(choice.person, choice.pose, Edits(*edits))
            return '', page_html.figures([(f'part-{index}', caption, png(image), '', False)
                                          for index, (caption, image) in
                                          enumerate(self._backend.parts(choice.person, pose_px))])
        return self._answer(make)

    def _answer(self, make):
        """Returns a message and a picture; if the request is refused, the reason, and the old picture stays."""
        try:
            note, shown = make()
        except RequestError as error:
            return page_html.message(str(error), is_error=True), gr.skip()
        return page_html.message(note), shown


def _upload_button(label, suffixes, elem_id, is_on):
    return gr.UploadButton(label, file_types=list(suffixes), type='filepath', size='sm', elem_id=elem_id,
                           interactive=is_on)


@contextlib.contextmanager
def _read_once(path):
    """Yields an uploaded file's path and deletes the file: uploads are not kept."""
    path = pathlib.Path(path)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
