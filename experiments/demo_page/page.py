"""The page of `experiments.demo`, made with Gradio: what stands where; answers.py says what its controls do."""

import pathlib

import gradio as gr

from experiments.demo_page import page_html
from experiments.demo_page.answers import FILM, TURN, Answers
from experiments.demo_page.choice import Choice
from experiments.demo_page.edits import EDIT_BOUNDS_DEG
from experiments.demo_page.motions import MOTIONS
from experiments.demo_page.videos import POSE_SUFFIXES, VIDEO_SUFFIXES
from experiments.pictures.drawing import enlarge, pose_picture

_HERE = pathlib.Path(__file__).parent
CSS_PATH = _HERE / 'page.css'
_LABELS = {'turn_deg': 'Turn', 'bend_deg': 'Bend forwards', 'left_arm_deg': 'Raise left arm',
           'right_arm_deg': 'Raise right arm'}
_NO_ESTIMATOR = 'Photos and videos of your own: not here, as no model that finds poses is installed. {}'
_PHOTO_SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.avif')
_KEEP_S = 600  # files in the page's folder


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
        self._backend, self._samples, self._answers = backend, samples, Answers(backend, samples)
        self._no_estimator = no_estimator
        with gr.Blocks(title='Reposing people', analytics_enabled=False, delete_cache=(60, _KEEP_S)) as self.blocks:
            gr.HTML(page_html.head(model_name, backend.image_size, backend.limits), elem_id='head',
                    js_on_load=_script('names.js'))
            # Not the first person in the first pose, which is their own: the first picture shall show something new.
            first = len(samples.persons) - 1, len(samples.poses) // 2
            self._choice = gr.State(Choice(samples.persons[first[0]], samples.poses[first[1]]), time_to_live=3600)
            with gr.Row():
                with gr.Column(scale=4, min_width=300):
                    self._add_person(first[0])
                    self._add_pose(first[1])
                with gr.Column(scale=7, min_width=300):
                    self._add_results()
        self._connect()
        self.blocks.queue(max_size=max_waiting, default_concurrency_limit=1, api_open=False)

    def _add_person(self, chosen):
        gr.Markdown('## 1. The person', elem_classes='step')
        self._persons = _gallery([(enlarge(person.image), person.name) for person in self._samples.persons], chosen,
                                 'persons')
        with gr.Row(elem_classes='buttons'):
            self._person_upload = self._upload('Upload a photo', _PHOTO_SUFFIXES, 'person-upload')
            self._other_upload = self._upload('Add another photo', _PHOTO_SUFFIXES, 'other-upload')
        self._person_people, self._person_chosen = self._several('person', 'Who is shown')
        if self._no_estimator:
            gr.HTML(page_html.message(_NO_ESTIMATOR.format(self._no_estimator)), elem_id='no-estimator')

    def _add_pose(self, chosen):
        size = self._backend.image_size
        gr.Markdown('## 2. The pose', elem_classes='step')
        self._poses = _gallery([(pose_picture(size, pose.pose_px), pose.name) for pose in self._samples.poses], chosen,
                               'poses')
        kinds = POSE_SUFFIXES if self._no_estimator else (*_PHOTO_SUFFIXES, *VIDEO_SUFFIXES, *POSE_SUFFIXES)
        with gr.Row(elem_classes='buttons'):
            self._own_pose = gr.Button('Their own', size='sm', elem_id='own-pose')
            self._pose_upload = gr.UploadButton('From a file' if self._no_estimator else 'From photo, film, BVH',
                                                file_types=list(kinds), type='filepath', size='sm',
                                                elem_id='pose-upload')
        self._pose_people, self._pose_chosen = self._several('pose', 'Whose pose')
        self._frame = gr.Slider(1, 2, value=1, step=1, label='Frame of the film', elem_id='film-frame', visible=False,
                                buttons=[])
        with gr.Accordion('Turn, bend, raise an arm', open=False, elem_id='sliders'):
            self._sliders = [gr.Slider(*EDIT_BOUNDS_DEG[name], value=0, step=5, label=f'{label} (°)', elem_id=name,
                                       buttons=['reset']) for name, label in _LABELS.items()]

    def _add_results(self):
        gr.Markdown('## 3. The picture', elem_classes='step')
        self._message = gr.HTML('', elem_id='message')
        self._progress = gr.HTML('', elem_id='progress')
        self._end = gr.Button('Cancel', size='sm', elem_id='cancel', visible=False)
        with gr.Tabs():
            with gr.Tab('Picture'):
                self._picture = gr.HTML('', elem_id='picture')
                self._joints = gr.HTML(page_html.joints_bar(), elem_id='joints', js_on_load=_script('joints.js'))
                self._undo = gr.Button('Undo the last change of the pose', size='sm', elem_id='undo')
            with gr.Tab('Clip'):
                self._add_clip()
            with gr.Tab('Inside the model'):
                self._parts_button = gr.Button('Show the parts', variant='primary', elem_id='make-parts')
                self._parts = gr.HTML('', elem_id='parts')

    def _add_clip(self):
        most = self._backend.limits.frames
        movements = [(f'{TURN}, in the pose chosen', TURN), *((name, name) for name in MOTIONS), (FILM, FILM)]
        self._movement = gr.Radio(movements, value=TURN, label='Movement', elem_id='movement')
        self._frames = gr.Slider(2, most, value=min(24, most), step=1, label='Pictures', elem_id='frames', buttons=[])
        self._clip_button = gr.Button('Make the clip', variant='primary', elem_id='make-clip')
        self._clip = gr.HTML('', elem_id='clip')

    def _connect(self):
        shared = {'concurrency_id': 'model', 'concurrency_limit': 1, 'api_visibility': 'private',
                  'show_progress': 'hidden',
                  'trigger_mode': 'multiple'}  # else what is asked while its like is being answered would be lost
        answers, asked = self._answers, [self._choice, *self._sliders]
        shown = [self._message, self._picture]
        changed = [self._choice, *shown]
        people = [self._person_people, self._person_chosen, self._pose_people, self._pose_chosen, self._frame]
        working = [self._progress, self._end]

        def on(event, answer, inputs, outputs, **more):
            event(answer, inputs, outputs, **{**shared, **more})

        with self.blocks:
            on(self.blocks.load, answers.show, asked, shown)
            for slider in self._sliders:
                on(slider.change, answers.show, asked, shown, trigger_mode='always_last')
            on(self._persons.select, answers.choose('person'), asked, [*changed, *people])
            on(self._poses.select, answers.choose('pose'), asked, [*changed, *people])
            on(self._person_upload.upload, answers.take_person, [self._person_upload, *asked], [*changed, *people])
            on(self._other_upload.upload, answers.take_other, [self._other_upload, *asked], [*changed, *people])
            on(self._person_chosen.input, answers.choose_of_photo, [self._person_chosen, *asked], [*changed, *people])
            on(self._own_pose.click, answers.own_pose, asked, [*changed, *people])
            on(self._pose_upload.upload, answers.take_pose, [self._pose_upload, *asked],
               [*changed, *people, self._movement, *working])
            on(self._pose_chosen.input, answers.choose_followed, [self._pose_chosen, *asked], [*changed, *people])
            on(self._frame.input, answers.choose_frame, [self._frame, *asked], changed, trigger_mode='always_last')
            on(self._joints.input, answers.move_joint, asked, changed)
            on(self._undo.click, answers.undo, asked, changed)
            on(self._clip_button.click, answers.make_clip,
               [self._choice, self._movement, self._frames, *self._sliders], [self._message, self._clip, *working],
               trigger_mode='once')
            self._end.click(answers.end, None, None, queue=False, api_visibility='private', show_progress='hidden')
            on(self._parts_button.click, answers.make_parts, asked, [self._message, self._parts], trigger_mode='once')

    def _upload(self, label, suffixes, elem_id):
        return gr.UploadButton(label, file_types=list(suffixes), type='filepath', size='sm', elem_id=elem_id,
                               interactive=not self._no_estimator)

    def _several(self, name, label):
        """Adds what appears where a photo or film shows several people: a picture with numbers, and a choice."""
        picture = gr.HTML('', elem_id=f'{name}-several')
        return picture, gr.Radio([], label=label, elem_id=f'{name}-chosen', visible=False)


def _gallery(items, chosen, elem_id):
    return gr.Gallery(items, selected_index=chosen, format='png', columns=5, height='auto', object_fit='contain',
                      allow_preview=False, show_label=False, elem_id=elem_id, interactive=False, buttons=[])


def _script(name):
    return (_HERE / name).read_text(encoding='utf-8')
