"""Whether work is spread over processes and machines, by Apache Beam, which is an optional package."""

import logging

from absl import flags

from data_pipeline.errors import DataError


def define_workers():
    """Defines how the work is spread."""
    flags.DEFINE_string('beam_options', '', 'Spreads the work by Apache Beam, with these options of it, as in '
                        'direct_num_workers=2,direct_running_mode=multi_processing; see docs/at-scale.md. '
                        'Without it all is done in this process.')


def open_workers(beam_options):
    """Returns the `BeamWorkers` of `--beam_options`, or None for ''.

    Raises:
      DataError: Beam is not installed, or an option is none of its.
    """
    if not beam_options:
        return None
    try:
        logging.disable(logging.WARNING)  # Beam misses packages that only Google's cloud needs
        from data_pipeline.workers.beam_workers import BeamWorkers  # takes seconds, and is not needed otherwise
    except ModuleNotFoundError as error:
        if error.name not in ('apache_beam', 'psutil'):
            raise
        raise DataError(f'--beam_options: expected Apache Beam, found no package {error.name!r}; '
                        'pip install -r requirements.txt -r requirements-scale.txt brings it.') from error
    finally:
        logging.disable(logging.NOTSET)
    return BeamWorkers(beam_options)
