"""The page in a real browser: what it shows is what the model and the command give, and it asks for nothing from
outside.

Needs Gradio, the package websocket-client and Chromium (`make demo-test`, docs/demo.md). DEMO_TEST_MODEL names a model
in place of a tiny one with random weights; DEMO_TEST_ESTIMATOR the folder of MediaPipe's files, for the uploads.
"""

import itertools
import subprocess
import sys

import cv2
import numpy as np
import pytest

from data_pipeline.picture_file import png, read_image
from experiments.demo_page.edits import Edits
from experiments.demo_page.motions import MOTIONS
from tests.support.films import write_frames
from tests.support.page_in_browser import (
    NEEDS_BROWSER,
    PEOPLE,
    as_bytes,
    decoded,
    needs_estimator,
    open_tab,
    photo,
    sample_frame,
    shown_is,
)
from tests.support.programs import ROOT

pytest.importorskip('gradio', reason='the page needs requirements-demo.txt')
pytest.importorskip('websocket', reason='driving the browser needs the package websocket-client')
pytestmark = NEEDS_BROWSER


def test_the_picture_is_the_models(tab, backend, samples):
    for person_index, pose_index in ((0, 1), (3, 5)):
        tab.click('#persons button', person_index)
        tab.click('#poses button', pose_index)
        person = samples.persons[person_index]
        pose = backend.target_pose(person, samples.poses[pose_index])
        masks = [person.mask] if backend._reposer.takes_masks else None
    assert shown_is(tab, backend._reposer.source([person.image], [person.pose_px], masks).repose(pose[np.newaxis])[0])


def test_of_quick_clicks_the_last_one_counts(tab, backend, samples):
    for chooser, index in itertools.product(('#persons button', '#poses button'), (1, 0, 2)):
        tab.click(chooser, index)
    person, pose = samples.persons[2], samples.poses[2]
    assert shown_is(tab, backend.picture(person, backend.target_pose(person, pose)))
    tab.click('#persons button', 3)  # as the tests after this one expect it
    tab.click('#poses button', 5)
    person = samples.persons[3]
    assert shown_is(tab, backend.picture(person, backend.target_pose(person, samples.poses[5])))


def test_a_slider_turns_the_person(tab, backend, samples):
    tab.click('#sliders button')
    tab.wait("!!document.querySelector('#turn_deg input[type=number]')")
    tab.run("""(() => { const number = document.querySelector('#turn_deg input[type=number]');
        number.value = 90; number.dispatchEvent(new Event('input', {bubbles: true}));
        number.dispatchEvent(new Event('change', {bubbles: true})); number.dispatchEvent(new Event('blur')); })()""")
    person, pose = samples.persons[3], samples.poses[5]
    assert shown_is(tab, backend.picture(person, backend.target_pose(person, pose, Edits(turn_deg=90))))


def test_the_picture_is_the_commands(tab, backend, run_path, samples, tmp_path):
    """The page brings every pose to the person's bones, the command poses of files only with --keep_proportions."""
    frame = sample_frame(samples, 5)
    subprocess.run([sys.executable, '-m', 'experiments.repose', f'--model={run_path}', f'--output={tmp_path}/out.png',
                    f'--size={backend.image_size}',
                    f'--source={PEOPLE}/images/{samples.persons[1].name}/00.jpg', f'--target=#{frame}',
                    '--keep_proportions'], cwd=ROOT, check=True)
    tab.run("""(() => { const number = document.querySelector('#turn_deg input[type=number]');
        number.value = 0; number.dispatchEvent(new Event('input', {bubbles: true}));
        number.dispatchEvent(new Event('change', {bubbles: true})); number.dispatchEvent(new Event('blur')); })()""")
    tab.click('#persons button', 1)
    tab.click('#poses button', 5)
    assert shown_is(tab, read_image(tmp_path / 'out.png'))


@pytest.mark.parametrize('movement', ['turn', *MOTIONS])
def test_a_clip_is_the_models(tab, backend, samples, movement):
    """Runs after the test before, whose choice stands."""
    open_tab(tab, 'Clip')
    tab.run("[...document.querySelectorAll('#movement label')]"
            f".find(label => label.innerText.trim().startsWith('{movement}')).click()")
    tab.click('#make-clip')
    person = samples.persons[1]
    if movement == 'turn':
        expected = backend.turntable(person, backend.target_pose(person, samples.poses[5]), 24).gif
    else:
        expected = backend.motion(person, movement, 24).gif
    assert shown_is(tab, expected, '#clip-result img', as_bytes)


def test_parts_are_shown(tab):
    open_tab(tab, 'Inside')
    tab.click('#make-parts')
    tab.wait("document.querySelectorAll('#parts img').length == 6")


@needs_estimator
def test_an_uploaded_photo_becomes_the_person(tab, finder, samples, server, tmp_path):
    (tmp_path / 'mine.png').write_bytes(png(photo()))
    tab.upload('#person-upload input[type=file], input[type=file]', tmp_path / 'mine.png')
    person = finder.person_of((tmp_path / 'mine.png').read_bytes())
    assert shown_is(tab, finder.picture(person, finder.target_pose(person, samples.poses[5])))
    assert list(server[1].rglob('mine*')) == []


@needs_estimator
def test_another_photo_is_added_and_choosing_the_person_anew_takes_it_away(tab, finder, samples, tmp_path):
    (tmp_path / 'back.png').write_bytes(png(photo('02')))
    tab.upload('input[type=file]:has(+ #other-upload), #other-upload input[type=file]', tmp_path / 'back.png')
    person = finder.with_photo(finder.person_of(png(photo())), (tmp_path / 'back.png').read_bytes())
    assert shown_is(tab, finder.picture(person, finder.target_pose(person, samples.poses[5])))
    assert np.array_equal(decoded(tab.picture('#source-2 img')), person.others[0].image)
    (tmp_path / 'mine.png').write_bytes(png(photo()))
    tab.upload('#person-upload input[type=file], input[type=file]', tmp_path / 'mine.png')
    tab.wait("!document.querySelector('#source-2')")


@needs_estimator
def test_a_broken_upload_is_answered_and_not_kept(tab, server, tmp_path):
    (tmp_path / 'broken.png').write_bytes(b'no picture at all')
    tab.upload('input[type=file]', tmp_path / 'broken.png')
    assert 'JPEG, PNG, WEBP' in tab.wait("(document.querySelector('.message.error') || {}).innerText")
    assert list(server[1].rglob('broken*')) == []


@needs_estimator
def test_an_uploaded_video_is_followed(tab, finder, server, tmp_path):
    """Runs after the tests before, whose person stands."""
    writer = cv2.VideoWriter(str(tmp_path / 'mine.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 10, (496, 336))
    for index in range(4):
        image = read_image(f'{PEOPLE}/images/p013/{index:02d}.jpg')
        writer.write(np.pad(image, ((40, 40), (150, 90), (0, 0)), mode='edge')[..., ::-1])
    writer.release()
    open_tab(tab, 'Clip')
    tab.upload('input[type=file][accept*=mp4]', tmp_path / 'mine.mp4')
    tab.wait("document.querySelector('#result figcaption').innerText.includes('frame 1 of your film')")
    tab.click('#make-clip')
    (tmp_path / 'mine.png').write_bytes(png(photo()))
    person = finder.person_of((tmp_path / 'mine.png').read_bytes())
    expected = finder.follow(person, finder.read_video(tmp_path / 'mine.mp4')).gif
    assert shown_is(tab, expected, '#clip-result img', as_bytes)
    assert list(server[1].rglob('mine*')) == []


@needs_estimator
def test_of_two_people_in_a_video_a_click_chooses_one(tab, finder, tmp_path):
    """Runs after the test before, whose person stands."""
    frames = [np.concatenate([read_image(f'{PEOPLE}/images/{person}/{number:02d}.jpg')[:, 40:-40]
                              for person, number in (('p013', index % 2), ('p017', 1 - index % 2))], axis=1)
              for index in range(4)]
    path = write_frames(tmp_path / 'both.mp4', frames)
    tab.upload('input[type=file][accept*=mp4]', path)
    person = finder.person_of(png(photo()))
    video = finder.read_video(path)
    assert list(video.people) == [1, 2]
    assert shown_is(tab, video.picture, '#pose-people img')
    tab.click('#make-clip')
    assert shown_is(tab, finder.follow(person, video).gif, '#clip-result img', as_bytes)
    other = 3 - video.chosen
    tab.click('#pose-chosen input', other - 1)
    assert shown_is(tab, finder.picture(person, finder.target_pose(person, video.with_chosen(other).person)))
    tab.click('#make-clip')
    assert shown_is(tab, finder.follow(person, video.with_chosen(other)).gif, '#clip-result img', as_bytes)


@needs_estimator
def test_of_two_people_in_a_photo_a_click_chooses_one(tab, finder, tmp_path):
    """Runs after the test before, whose pose stands."""
    both = np.concatenate([read_image(f'{PEOPLE}/images/{person}/00.jpg')[:, 40:-40] for person in ('p013', 'p017')],
                          axis=1)
    (tmp_path / 'both.png').write_bytes(png(both))
    tab.upload('#person-upload input[type=file], input[type=file]', tmp_path / 'both.png')
    found = finder.people_of(png(both))
    assert list(found.people) == [1, 2]
    assert shown_is(tab, found.picture, '#person-people img')
    other = 3 - found.chosen
    tab.click('#person-chosen input', other - 1)
    assert shown_is(tab, found.people[other].image, '#source img')


def test_nothing_is_asked_for_from_outside(tab, server):
    tab.run('1')
    outside = {url for url in tab.requested if not url.startswith((server[0], 'data:', 'blob:'))}
    assert len(tab.requested) > 10 and outside == set()


@pytest.mark.parametrize('width', (390, 1200))
def test_it_fits_its_width(tab, width, tmp_path):
    tab.screenshot(tmp_path / 'page.png', width, 900)
    found = tab.run('document.documentElement.scrollWidth')
    tab.send('Emulation.clearDeviceMetricsOverride')  # other tests use the tab after this one
    assert found <= width
