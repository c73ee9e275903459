"""The server of the page. It needs nothing from outside: no fonts, no scripts, no telemetry.

Gradio and Keras read their folders when imported, so nothing that needs them is imported before `private_files`.
"""

import contextlib
import os
import tempfile

from data_pipeline.errors import UsageError


def run(reposer, name, samples_dir, limits, estimator, no_estimator, *, host, port, max_waiting,
        watermark=False):
    """Serves the page until the process is interrupted.

    Args:
      reposer: `repose_tf.Reposer`.
      name: what the page calls the model.
      samples_dir: folder in the people layout.
      limits: `UploadLimits`.
      estimator: `person.Estimator`, or None.
      no_estimator: why there is none, or ''.
      host: address to listen at.
      port: 0 takes any free one.
      max_waiting: requests that wait; more are turned away.
      watermark: whether results get a mark in their corner.

    Raises:
      DataError: the samples are not in order.
    """
    import gradio as gr

    from experiments.demo_page.backend import Backend
    from experiments.demo_page.page import CSS_PATH, Page
    from experiments.demo_page.samples import load_samples
    samples = load_samples(samples_dir, reposer.image_size)
    backend = Backend(reposer, limits, estimator, no_estimator, watermark)
    backend.picture(samples.persons[0], samples.poses[0].pose_px)  # the first call builds the graph
    page = Page(backend, samples, name, no_estimator, max_waiting)
    # Plain names of fonts are loaded from nowhere. Larger uploads are not even stored.
    theme = gr.themes.Soft(font=('system-ui', 'sans-serif'), font_mono=('ui-monospace', 'monospace'))
    max_file_size = int(max(limits.upload_mb, limits.video_mb) * 1e6)
    _, address, _ = page.blocks.launch(
        server_name=host, server_port=port or None, share=False, quiet=True, prevent_thread_lock=True, ssr_mode=False,
        inbrowser=False, footer_links=[], run_history=False, pwa=False, mcp_server=False, theme=theme,
        css_paths=CSS_PATH, max_file_size=max_file_size, state_session_capacity=200, show_error=False, strict_cors=True)
    try:
        print(f'Open {address} in a browser; Ctrl-C ends it.', flush=True)
        page.blocks.block_thread()
    finally:
        page.blocks.close(verbose=False)


@contextlib.contextmanager
def private_files():
    """Makes Gradio, Keras, matplotlib and all temporary files use one folder, which is removed at the end; nothing is
    written to the user's home. Raises UsageError if Gradio is not installed."""
    with tempfile.TemporaryDirectory(prefix='repose_demo_') as folder:
        os.environ.update(GRADIO_TEMP_DIR=os.path.join(folder, 'page'), GRADIO_ANALYTICS_ENABLED='False',
                          GRADIO_RUN_HISTORY='False', HF_HUB_OFFLINE='1', HF_HUB_DISABLE_TELEMETRY='1', HF_HOME=folder,
                          KERAS_HOME=folder, MPLCONFIGDIR=folder)
        tempfile.tempdir = folder
        try:
            import gradio  # noqa: F401
        except ImportError as error:
            raise UsageError('The page needs Gradio: pip install -r requirements.txt -r requirements-demo.txt '
                             f'({error}).') from error
        yield
