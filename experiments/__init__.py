"""The programs (`python -m experiments.<name>`) and every flag; nothing else imports this package."""

import os

# Set before TensorFlow is imported anywhere. Its C++ side reports on libraries that nobody asked for;
# what really fails raises an exception, too.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
