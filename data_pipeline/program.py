"""How a program starts and how it fails: a user's mistake is one line, a bug keeps its traceback."""

import functools
import sys

from absl import app, logging
from absl import flags as absl_flags

from data_pipeline.errors import UsageError
from repose_tf.errors import UserError


def run(main, *define_flags):
    """Defines and parses the flags, calls `main()` and ends the process; the last line of every program.

    Exit codes: 0, or 1 after `error: ...` on stderr for a mistake in the flags, the data or the run folder.
    Any other exception is a bug and passes through with its traceback.

    Args:
      main: function without arguments; reads the flags itself.
      *define_flags: functions that define groups of flags; called here and not at import, so that
        other modules and tests may import a program without its flags. --help shows all flags of their modules.
    """
    modules = sorted({define.__module__ for define in define_flags})
    try:
        for define in define_flags:
            define()
        logging.set_verbosity(logging.WARNING)  # the libraries tell much of themselves
        app.run(lambda _: main(), flags_parser=functools.partial(_parse, modules))
    except Exception as error:  # noqa: BLE001  (sorted out here, and raised again if it is not the user's)
        if not is_user_error(error):
            raise
        print(f'error: {one_line(error)}', file=sys.stderr)
        sys.exit(1)


def is_user_error(error):
    """Says whether an exception tells of the user's mistake rather than of a bug."""
    return isinstance(error, (UserError, absl_flags.Error))


def one_line(error):
    """Returns an exception's message as one line."""
    return ' '.join(str(error).split())


def _parse(modules, argv):
    """Parses the command line; what is left over is a mistake. Own flags become those that --help shows."""
    values = absl_flags.FLAGS
    for module in modules:
        for flag in values.get_flags_for_module(module):
            values.register_key_flag_for_module(argv[0], flag)
    rest = values(argv)[1:]
    if rest:
        raise UsageError(f'arguments are given as --name=value, found {rest[0]!r}.')
    return rest
