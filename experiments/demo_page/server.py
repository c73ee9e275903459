"""Serves a Gradio page with nothing from outside: no fonts, no scripts, no telemetry, no link to anywhere."""

import contextlib

import gradio as gr

_FONTS = ('system-ui', 'sans-serif')


@contextlib.contextmanager
def serve(blocks, host, port, css_path, max_upload_mb):
    """Serves a page while the context lasts.

    Args:
      blocks: `gr.Blocks`.
      host: address.
      port: 0 takes any free one.
      css_path: its style sheet.
      max_upload_mb: larger uploads are refused before they are stored, MB.

    Yields:
      the page's address.
    """
    theme = gr.themes.Soft(font=_FONTS, font_mono=('ui-monospace', 'monospace'))  # plain names are loaded from nowhere
    _, address, _ = blocks.launch(
        server_name=host, server_port=port or None, share=False, quiet=True, prevent_thread_lock=True, ssr_mode=False,
        inbrowser=False, footer_links=[], run_history=False, pwa=False, mcp_server=False, theme=theme,
        css_paths=css_path, max_file_size=int(max_upload_mb * 1e6), state_session_capacity=200, show_error=False,
        strict_cors=True)
    try:
        yield address
    finally:
        blocks.close(verbose=False)
