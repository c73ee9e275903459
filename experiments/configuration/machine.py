"""The machine and the software that figures are measured with, in words."""

import datetime
import os
import platform

import keras
import tensorflow as tf


def measured_on():
    """Returns one line on what is measured on, and when."""
    devices = [tf.config.experimental.get_device_details(device).get('device_name', 'GPU')
               for device in tf.config.list_physical_devices('GPU')]
    where = ', '.join(devices) or f'{os.cpu_count()} CPU cores ({_processor()})'
    return f'Measured on {datetime.date.today()}, {where}; {software()}.'


def software():
    """Returns the versions."""
    return f'Python {platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}'


def _processor():
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as file:
            return next(line.split(':')[1].strip() for line in file if line.startswith('model name'))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
