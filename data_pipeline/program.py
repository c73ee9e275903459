"""Starting and ending programs: the flags that several of them share, and errors as one line."""

import errno
import functools
import os
import re
import sys

from absl import app, logging
from absl import flags as absl_flags

from data_pipeline import gpu_memory
from data_pipeline.errors import DataError, UsageError
from data_pipeline.text_file import read_text
from repose_tf.errors import UserError

_FLAG_FILE = re.compile('--?flagfile(=.*)?', re.DOTALL)
_IN_PIPELINE = re.compile(r'assertion failed: \[DataError: (.*?)\]\s+\[\[', re.DOTALL)  # as TensorFlow tells it


def define_settings(group, values=absl_flags.FLAGS):
    """Defines the flags of settings: of a `settings.Group`, which holds the defaults."""
    for name, rule in group.rules().items():
        default = getattr(group, name)
        text = f'{rule.help} Unit: {rule.unit}.' if rule.unit else rule.help
        if rule.choices:
            absl_flags.DEFINE_enum(name, default, rule.choices, text, flag_values=values)
        elif isinstance(default, bool):
            absl_flags.DEFINE_bool(name, default, text, flag_values=values)
        elif isinstance(default, str):
            absl_flags.DEFINE_string(name, default, text, flag_values=values)
        elif isinstance(default, int):
            absl_flags.DEFINE_integer(name, default, text, lower_bound=rule.at_least, flag_values=values)
        else:
            absl_flags.DEFINE_float(name, default, text, flag_values=values)
            absl_flags.register_validator(name, rule.allows, f'expected {rule.in_words()}', flag_values=values)


def define_estimator():
    """Defines the flags of the pose estimator: the arguments of `estimators.opening.open_estimator`."""
    absl_flags.DEFINE_enum('estimator', 'mediapipe', ('mediapipe', 'metrabs'), 'Model that finds the poses.')
    absl_flags.DEFINE_string('model_dir', '', "Folder of the model's files: MediaPipe's two .tflite files (without it "
                             'those of the installed package mediapipe), or the SavedModel of MeTRAbs.')
    absl_flags.DEFINE_enum('model_size', 'full', ('lite', 'full', 'heavy'), "Which of MediaPipe's models.")
    absl_flags.DEFINE_float('fov_deg', 55, 'Field of view that MeTRAbs assumes, degrees.', lower_bound=1,
                            upper_bound=170)


def define_workers():
    """Defines --beam_options, the argument of `workers.opening.open_workers`."""
    absl_flags.DEFINE_string('beam_options', '', 'Spreads the work by Apache Beam, with these options of it, as in '
                             'direct_num_workers=2,direct_running_mode=multi_processing; see docs/at-scale.md. '
                             'Without it all is done in this process.')


def run(main, *define_flags):
    """Defines and parses the flags, calls `main()` and ends the process; the last line of every program.

    Exit codes: 0, or 1 after `error: ...` on stderr for a mistake of the user (`UserError`, or a wrong flag).
    Any other exception is a bug and passes through with its traceback.

    Args:
      main: function without arguments; reads the flags itself.
      *define_flags: functions that define groups of flags. They are called here and not at import, so that
        tests and other modules can import a program without its flags. --help shows these flags.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors='backslashreplace')  # names of files may hold letters that a terminal does not know
    others = set(absl_flags.FLAGS)
    try:
        for define in (*define_flags, _define_gpu_memory):
            define()
        own = set(absl_flags.FLAGS) - others
        logging.set_verbosity(logging.WARNING)  # the libraries log much at the level INFO
        app.run(lambda _: _run(main), flags_parser=functools.partial(_parse, own))
    except Exception as error:  # noqa: BLE001  (raised again if it is not the user's)
        error = in_pipeline(error)
        if not is_user_error(error):
            raise
        print(f'error: {one_line(error)}', file=sys.stderr)
        sys.exit(1)


def parse(values, argv):
    """Parses a command line, in which flag files may be of any form of Unicode, and ~ at the head of a path is home.

    Args:
      values: absl's `FlagValues`; they get the values.
      argv: list of texts, the program's name first.

    Returns:
      list of what is no flag.

    Raises:
      absl.flags.Error: a flag or a value that there is not.
      UsageError, DataError: a flag file that cannot be read, or names itself.
    """
    rest = values([argv[0], *_with_flag_files(argv[1:])])[1:]
    for name in values:
        value = values[name].value
        if isinstance(value, str):
            values[name].value = os.path.expanduser(value)
        elif isinstance(value, list):
            values[name].value = [os.path.expanduser(item) if isinstance(item, str) else item for item in value]
    return rest


def is_user_error(error):
    """Says whether an exception is the user's mistake and not a bug; a name that no file can have is one anywhere."""
    is_long_name = isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG
    return is_long_name or isinstance(error, (UserError, absl_flags.Error))


def in_pipeline(error):
    """Returns the `DataError` that an input pipeline tells of by an assertion, `DataError: ...`, else the exception."""
    told = type(error).__module__.startswith('tensorflow.') and _IN_PIPELINE.search(str(error))
    return DataError(told[1]) if told else error


def one_line(error):
    """Returns an exception's message as one line."""
    return ' '.join(str(error).split())


def _define_gpu_memory():
    absl_flags.DEFINE_integer('gpu_memory', gpu_memory.inherited_mb(), 'The most memory that this program takes '
                              'of each GPU; 0: what it needs, growing. Unit: MB.', lower_bound=0)


def _run(main):
    gpu_memory.set_up(absl_flags.FLAGS.gpu_memory)
    return main()


def _parse(own, argv):
    """Parses the command line and refuses what is no flag; makes the flags of these names those that --help shows."""
    values = absl_flags.FLAGS
    for name in own:
        values.register_key_flag_for_module(argv[0], values[name])
    rest = parse(values, argv)
    if rest:
        raise UsageError(f'arguments are given as --name=value, found {rest[0]!r}.')
    return rest


def _with_flag_files(arguments, around=()):
    """Returns arguments with the lines of their flag files in the place of --flagfile=..., as absl takes them.

    Blank lines and lines that begin with # or // say nothing; others may name a flag file. `around` are the files that
    the arguments come from.
    """
    given, found = list(arguments), []
    while given:
        argument = given.pop(0)
        match = _FLAG_FILE.fullmatch(argument)
        if not match or not (match[1] or given):
            found.append(argument)
            continue
        path = os.path.expanduser(match[1][1:] if match[1] else given.pop(0))
        if path in around:
            raise UsageError(f'{path}: expected a flag file that does not name itself, found one that does.')
        lines = [line.strip() for line in read_text(path, 'a flag file').splitlines()]
        lines = [line for line in lines if line and not line.startswith(('#', '//'))]
        found += _with_flag_files(lines, (*around, path))
    return found
