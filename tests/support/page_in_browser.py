"""Helpers of tests of the page in a browser: the pictures that it shows, photos to upload."""

import os
import time

import cv2
import numpy as np
import pytest

from data_pipeline.people.people_folder import open_folder
from data_pipeline.picture_file import read_image
from tests.support.chromium import find_chromium
from tests.support.programs import ROOT

PEOPLE = ROOT / 'data' / 'people'
ESTIMATOR = os.environ.get('DEMO_TEST_ESTIMATOR', '')
needs_estimator = pytest.mark.skipif(not ESTIMATOR, reason='DEMO_TEST_ESTIMATOR names no pose model')
NEEDS_BROWSER = [pytest.mark.slow, pytest.mark.skipif(not find_chromium(), reason='there is no Chromium')]


def decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def as_bytes(data):
    return np.frombuffer(data, np.uint8)


def shown_is(tab, expected, selector='#result img', read=decoded, seconds=60):
    """Waits until the page shows this very picture: pixels, or with `as_bytes` the file's."""
    expected = np.frombuffer(expected, np.uint8) if isinstance(expected, bytes) else expected
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if np.array_equal(read(tab.picture(selector)), expected):
            return True
        time.sleep(0.3)
    return False


def open_tab(tab, words):
    tab.run(f"[...document.querySelectorAll('button[role=tab]')].find(b => b.innerText.includes('{words}')).click()")


def photo(frame='00'):
    """Returns a sample person in a larger picture."""
    image = read_image(f'{PEOPLE}/images/p013/{frame}.jpg')
    return np.pad(image, ((40, 40), (150, 90), (0, 0)), mode='edge')


def sample_frame(samples, index):
    """Returns `person/frame` of a pose that the page offers."""
    folder = open_folder(PEOPLE, allow_missing_poses=True)
    return folder.persons[samples.persons[0].name][index].id
