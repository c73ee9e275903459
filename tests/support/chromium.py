"""Drives a headless Chromium through its DevTools protocol: as little of it as the tests of the page need."""

import base64
import contextlib
import json
import shutil
import subprocess
import time
import urllib.request


def find_chromium():
    """Returns the path of a Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)


@contextlib.contextmanager
def open_browser(profile):
    """Starts a browser whose files lie in the folder `profile`; yields its `Tab`."""
    process = subprocess.Popen(
        [find_chromium(), '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
         '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
         '--window-size=1300,1000', '--remote-debugging-port=0', '--remote-allow-origins=*',
         f'--user-data-dir={profile}', 'about:blank'],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Tab(_tab_address(profile / 'DevToolsActivePort'))
    finally:
        process.terminate()
        process.wait(20)


def _tab_address(port_file):
    """Waits for the browser; returns the address of its tab."""
    for _ in range(300):
        if port_file.is_file() and (lines := port_file.read_text().split()):
            with urllib.request.urlopen(f'http://127.0.0.1:{lines[0]}/json') as answer:
                tabs = [tab for tab in json.load(answer) if tab['type'] == 'page']
            if tabs:
                return tabs[0]['webSocketDebuggerUrl']
        time.sleep(0.1)
    raise TimeoutError('Chromium did not start.')


class Tab:
    """One tab.

    Attributes:
      requested: addresses that the page has asked for.
    """

    def __init__(self, address):
        from websocket import create_connection  # the package websocket-client
        self._socket, self._count, self.requested = create_connection(address, timeout=60), 0, []
        for domain in ('Page', 'Network', 'DOM', 'Runtime'):
            self.send(f'{domain}.enable')

    def send(self, method, **arguments):
        """Calls a method of the protocol; returns its result."""
        self._count += 1
        self._socket.send(json.dumps({'id': self._count, 'method': method, 'params': arguments}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get('method') == 'Network.requestWillBeSent':
                self.requested.append(answer['params']['request']['url'])
            if answer.get('id') == self._count:
                if 'error' in answer:
                    raise RuntimeError(f'{method}: {answer["error"]}')
                return answer['result']

    def run(self, script):
        """Returns the value of a JavaScript expression."""
        result = self.send('Runtime.evaluate', expression=script, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in result:
            raise RuntimeError(f'{script}: {result["exceptionDetails"]}')
        return result['result'].get('value')

    def wait(self, script, seconds=120):
        """Waits until an expression is true; returns its value."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.run(script):
                return value
            time.sleep(0.1)
        raise TimeoutError(f'{script} did not come true; the page says: {self.run("document.body.innerText")[-500:]}')

    def click(self, selector, index=0):
        """Clicks an element, once it is there."""
        element = f'document.querySelectorAll({json.dumps(selector)})[{index}]'
        self.wait(f'!!{element}')
        self.run(f'{element}.click()')

    def drag(self, selector, x_px, y_px):
        """Drags an element by so many px of the screen with the mouse."""
        box = self.run(f'(() => {{ const element = document.querySelector({json.dumps(selector)}); '
                       "element.scrollIntoView({block: 'center'}); const box = element.getBoundingClientRect(); "
                       'return [box.x + box.width / 2, box.y + box.height / 2]; })()')
        for kind, share in (('mousePressed', 0), ('mouseMoved', 0.5), ('mouseMoved', 1), ('mouseReleased', 1)):
            self.send('Input.dispatchMouseEvent', type=kind, x=box[0] + share * x_px, y=box[1] + share * y_px,
                      button='left', clickCount=1)

    def press(self, key):
        """Presses a key."""
        for kind in ('keyDown', 'keyUp'):
            self.send('Input.dispatchKeyEvent', type=kind, key=key)

    def names(self, *roles):
        """Returns (role, name) of what a screen reader finds on the page, of these roles."""
        nodes = self.send('Accessibility.getFullAXTree')['nodes']
        return [(node['role']['value'], node.get('name', {}).get('value', '')) for node in nodes
                if not node['ignored'] and node['role']['value'] in roles]

    def upload(self, selector, path):
        """Puts a file into an `<input type=file>`."""
        root = self.send('DOM.getDocument')['root']['nodeId']
        node = self.send('DOM.querySelector', nodeId=root, selector=selector)['nodeId']
        self.send('DOM.setFileInputFiles', files=[str(path)], nodeId=node)

    def picture(self, selector):
        """Returns the bytes of the picture that an `<img>` holds as data."""
        source = self.wait(f'(document.querySelector({json.dumps(selector)}) || {{}}).src')
        return base64.b64decode(source.partition('base64,')[2])

    def screenshot(self, path, width, height, is_dark=False):
        """Writes a PNG of the page at a width, its height reaching as far as told."""
        self.send('Emulation.setEmulatedMedia',
                  features=[{'name': 'prefers-color-scheme', 'value': 'dark' if is_dark else 'light'}])
        self.send('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        time.sleep(1)
        path.write_bytes(base64.b64decode(self.send('Page.captureScreenshot', format='png')['data']))
