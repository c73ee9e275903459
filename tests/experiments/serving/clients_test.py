"""The clients look at --output before they ask anybody, and say what an answer was that is none."""

import base64
import http.server
import threading

import numpy as np
import pytest
import tensorflow as tf
from absl import flags as absl_flags

from data_pipeline.errors import UsageError, WriteError
from experiments.serving import grpc_client, request, rest_client
from experiments.serving.request import Request

PNG = b'\x89PNG\r\n\x1a\n and so on'
ASKED = Request([b'picture'], np.zeros((1, 19, 3), np.float32), np.zeros((1, 19, 3), np.float32))
ROW = {'b64': base64.b64encode(PNG).decode()}


def test_pictures_come_out_of_an_answer():
    assert request.pictures_of_json({'predictions': [ROW, ROW]}, 2) == [PNG, PNG]


@pytest.mark.parametrize('body, words', [
    ({'error': 'no such model'}, 'refused: no such model'), ({}, r'found .\{\}'), ([], r'found .\[\]'),
    (None, 'found .null'), (7, 'found .7'), ('hello', 'found .*hello'), ({'predictions': None}, 'found .*predictions'),
    ({'predictions': [[1.0, 2.0]]}, r'found .*1\.0'), ({'predictions': [{'b64': 3}]}, 'found .*b64'),
    ({'predictions': [{'b64': '!!!'}]}, 'found .*!!!'), ({'predictions': ['a' * 200]}, r'found .*aaa. \.\.\.'),
    ({'predictions': []}, 'expected 1 pictures in the answer, found 0'),
    ({'predictions': [ROW, ROW]}, 'expected 1 pictures in the answer, found 2'),
    ({'predictions': [{'b64': 'aGVsbG8='}]}, "expected PNG files in the answer, found b'hello'")])
def test_an_answer_that_is_none_is_named(body, words):
    with pytest.raises(UsageError, match=words) as caught:
        request.pictures_of_json(body, 1)
    assert len(str(caught.value)) < 250


class Stranger(http.server.BaseHTTPRequestHandler):
    """Answers anything with what the test wants."""

    answer = 200, b''

    def do_POST(self):  # noqa: N802  (the base class names it so)
        self.rfile.read(int(self.headers['Content-Length']))
        status, body = self.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture(scope='module')
def stranger():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize('answer, words', [
    ((502, b'<html>Bad gateway</html>'), 'no JSON but status 502 and .<html>Bad gateway'),
    ((200, b''), "no JSON but status 200 and ''"), ((200, b'\xff\xfe\x00'), 'no JSON but status 200'),
    ((404, b'{"detail": "Not found"}'), 'found .*Not found'),
    ((400, b'{"error": "source_pose: expected"}'), 'refused: source_pose: expected')])
def test_a_server_that_is_another_one_is_named(stranger, answer, words):
    Stranger.answer = answer
    with pytest.raises(UsageError, match=f'--server={stranger}: .*{words}'):
        rest_client.predict(stranger, ASKED, 10)


@pytest.mark.parametrize('outputs, words', [
    ({}, 'expected image_bytes in the answer, found nothing'),
    ({'image': [1.0]}, 'expected image_bytes in the answer, found image'),
    ({'image_bytes': [1.0]}, r'image_bytes: expected PNG files in the answer, found (np.float32\()?1\.0'),
    ({'image_bytes': [b'hello']}, "image_bytes: expected PNG files in the answer, found b'hello'"),
    ({'image_bytes': [PNG, PNG]}, 'image_bytes: expected 1 pictures in the answer, found 2')])
def test_a_strange_message_is_named(outputs, words):
    outputs = {name: tf.make_tensor_proto(value) for name, value in outputs.items()}
    with pytest.raises(UsageError, match=f'--server=host:1: {words}'):
        grpc_client.pictures_of(outputs, 'host:1', 1)


@pytest.fixture
def asked_for(tmp_path, monkeypatch):
    """Returns a function that asks for a picture with an --output, and the list of those who were asked."""
    calls = []

    def predict(server, asked, timeout_s):
        calls.append(server)
        return [PNG]

    def ask(output):
        values = absl_flags.FlagValues()
        for name, value in (('output', str(output)), ('source', 'photo.png'), ('source_pose', 'a'),
                            ('target_pose', 'b'), ('server', 'somebody')):
            absl_flags.DEFINE_string(name, value, '', flag_values=values)
        absl_flags.DEFINE_float('timeout_s', 1.0, '', flag_values=values)
        values(['program'])
        monkeypatch.setattr(rest_client, 'FLAGS', values)
        monkeypatch.setattr(rest_client.flags, 'required', lambda name: values[name].value)
        monkeypatch.setattr(request, 'read_request', lambda *_: ASKED)
        rest_client.ask(predict)

    return ask, calls


def test_nobody_is_asked_for_what_cannot_be_written(asked_for, tmp_path):
    ask, calls = asked_for
    (tmp_path / 'file').write_text('')
    (tmp_path / 'folder.png').mkdir()
    for output, error, words in (
            (tmp_path / 'out.jpg', UsageError, 'ends in .png, found'), (tmp_path / 'out', UsageError, 'ends in .png'),
            (tmp_path / 'folder.png', UsageError, 'found the folder'),
            (tmp_path / 'file' / 'out.png', WriteError, 'cannot be written')):
        with pytest.raises(error, match=words):
            ask(output)
    assert not calls
    ask(tmp_path / 'new' / 'out.PNG')
    assert calls == ['somebody'] and (tmp_path / 'new' / 'out.PNG').read_bytes() == PNG
