"""The data sets by name."""

from data_pipeline.fashion import open_fashion
from data_pipeline.iper import open_iper
from data_pipeline.people import open_people

# Each a function of (source_dir, data_dir, allow_missing_poses, workers), see `record_builder.open_records`.
OPENED = {'people': open_people, 'fashion': open_fashion, 'iper': open_iper}
