"""Opening the workers of Apache Beam, which is an optional package."""

import logging

from data_pipeline.errors import DataError


def open_workers(beam_options):
    """Returns the `BeamWorkers` of options of Beam, `name=value` with commas between, or None for ''.

    Raises:
      DataError: Beam is not installed, or does not know an option.
    """
    if not beam_options:
        return None
    try:
        logging.disable(logging.WARNING)  # Beam warns of missing packages that only Google's cloud needs
        from data_pipeline.workers.beam_workers import BeamWorkers  # late, as it takes seconds
    except ModuleNotFoundError as error:
        if error.name not in ('apache_beam', 'psutil'):
            raise
        raise DataError(f'--beam_options: expected Apache Beam, found no package {error.name!r}; '
                        'pip install -r requirements.txt -r requirements-scale.txt brings it.') from error
    finally:
        logging.disable(logging.NOTSET)
    return BeamWorkers(beam_options)
