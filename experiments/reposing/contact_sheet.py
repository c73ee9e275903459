"""Contact sheets of test pairs: source, target pose, result and truth, a row each."""

from experiments.configuration.data import Data
from experiments.models import opening
from experiments.pictures import drawing
from experiments.pictures.files import write_picture

_BATCH_SIZE = 4


def repose_test_pairs(path, model, weights, data_settings, num_pairs, pairs_file='', watermark=False,
                      size=None):
    """Writes the contact sheet of a model.

    Args:
      path: picture file to write.
      model: path of the model.
      weights: of a run, 'average' or 'latest'.
      data_settings: function of the `DataSettings` of the run, or of None for another model; returns those to use.
      num_pairs: rows of the sheet, from the data's own pairs.
      pairs_file: JSON file of the pairs to show instead, all of them.
      watermark: whether the sheet gets a mark in its corner.
      size: of the pictures, px, as --size.
    """
    run = opening.run_of(model)
    data = Data(data_settings(run and run.settings().data))
    pairs = data.listed_pairs('test', pairs_file) if pairs_file else data.pairs('test', num_pairs)
    reposer = opening.open_model(model, weights, size=size)
    write_contact_sheet(path, reposer, data.batches_of('test', pairs, reposer.image_size, _BATCH_SIZE),
                        watermark)


def write_contact_sheet(path, reposer, batches, watermark=False):
    """Reposes pairs and writes their contact sheet.

    Args:
      path: picture file to write.
      reposer: `repose_tf.Reposer`.
      batches: iterable of batches of data_pipeline.batches.input_pipeline, images and masks in uint8.
      watermark: as above.
    """
    samples, captions = [], []
    for batch in batches:
        results = reposer.repose_pairs(batch['source_image'], batch['source_pose'], batch['target_pose'],
                                       batch['source_mask'])
        samples += zip(batch['source_image'].numpy(), batch['target_pose'].numpy(), results.numpy(),
                       batch['target_image'].numpy(), strict=True)
        captions += [f'{source.decode()} -> {target.decode()}' for source, target in
                     zip(batch['source_id'].numpy(), batch['target_id'].numpy(), strict=True)]
    write_picture(path, drawing.contact_sheet(samples, captions), watermark)
