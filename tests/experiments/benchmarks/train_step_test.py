"""The benchmark of the training step: reading a profile and adding up its times."""

import pytest
import tensorflow as tf

from experiments.benchmarks import train_step
from experiments.benchmarks.train_step import OpTime


def test_the_operations_of_a_run_are_timed_and_the_convolution_takes_longest():
    features, kernel = tf.random.normal([1, 64, 64, 32]), tf.random.normal([3, 3, 32, 32])

    @tf.function(autograph=False)
    def run():
        with tf.name_scope('somewhere'):
            return tf.reduce_sum(tf.nn.conv2d(features * 2.0, kernel, 1, 'SAME'))

    run()
    ops = train_step.op_times(lambda: run().numpy())
    longest = max(ops, key=lambda op: op.seconds)
    assert 'Conv' in longest.kind and longest.name.startswith('somewhere/') and 0 < longest.seconds < 1
    assert sum('Conv' in op.kind for op in ops) == 1


def test_operations_add_up_to_parts_and_kinds():
    of_a_device = 'StatefulPartitionedCall'
    passes = f'{of_a_device}/StatefulPartitionedCall_1'
    sums = train_step.summed([
        OpTime(f'{passes}/generator/lifting_encoder/conv2d/Conv2D', '_MklNativeConv2D', 3.0),
        OpTime(f'{passes}/gradient_tape/generator_1/lifting_encoder_1/x', 'Conv2DBackpropInput', 4.0),
        OpTime(f'{passes}/generator/pose_encoder/group_norm_3/gradient/mul', 'Mul', 2.0),
        OpTime(f'{passes}/mul', 'Mul', 0.5), OpTime(f'{of_a_device}/RGBToHSV', 'RGBToHSV', 0.5)])
    assert sorted(sums) == [
        ['augmentation, average', 'rest', False, 0.5], ['lifting encoder', 'convolutions', False, 3.0],
        ['lifting encoder', 'convolutions', True, 4.0], ['pose encoder', 'group norms', False, 2.0],
        ['rest', 'rest', False, 0.5]]
    rows = train_step.share_rows(sums)
    assert [row['part'] for row in rows][:2] == ['lifting encoder', 'pose encoder'] and rows[-1]['part'] == 'all'
    assert rows[0] == {'part': 'lifting encoder', 'all': '70.0', 'convolutions forward': '30.0', 'backward': '40.0',
                       'gradients of biases': '0.0', 'group norms': '0.0', 'rest': '0.0'}
    assert sum(float(row['all']) for row in rows[:-1]) == pytest.approx(100)
    summary = train_step.summary('x', 'float32', 2, 4.0, 2e12, 1.0, sums)
    assert summary['in convolutions'] == '70 %' and summary['steps/s'] == '0.250' and summary['TFLOP/s'] == '0.5'
