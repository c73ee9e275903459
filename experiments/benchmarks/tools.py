"""Tools of the benchmarks: a stopwatch that takes turns, a memory count, a table and a plot."""

import statistics
import time

import tensorflow as tf
from matplotlib.figure import Figure


def seconds(functions, rounds):
    """Times functions in turn, so that whatever slows the machine down for a while slows them all down.

    Args:
      functions: dict, name -> function without arguments that waits for its result.
      rounds: times that each is run; a slow one (over 2 s) is run five times at most.

    Returns:
      dict, name -> median seconds.
    """
    return seconds_and_processor_seconds(functions, rounds)[0]


def seconds_and_processor_seconds(functions, rounds):
    """Returns what `seconds` does, and likewise the processor time, which other processes do not change."""
    times, busy = ({name: [] for name in functions} for _ in range(2))
    for function in functions.values():  # builds graphs, fills caches
        for _ in range(2):
            function()
    for _ in range(rounds):
        for name, function in functions.items():
            if len(times[name]) >= 5 and times[name][0] > 2.0:
                continue
            start, busy_start = time.perf_counter(), time.process_time()
            function()
            times[name].append(time.perf_counter() - start)
            busy[name].append(time.process_time() - busy_start)
    return tuple({name: statistics.median_high(values) for name, values in each.items()} for each in (times, busy))


def waited(function, *arguments):
    """Returns a function without arguments that runs a graph and waits for all of its results."""
    def run():
        # Reading one number of each result waits for it also on accelerators.
        for result in tf.nest.flatten(function(*arguments)):
            tf.reshape(result, [-1])[0].numpy()
    return run


def peak_bytes(function, *arguments):
    """Counts the bytes of the tensors that a function holds at once: its results, but not its arguments.

    Args:
      function: of tensors; traced into a graph of its own.
      *arguments: NumPy arrays.

    Returns:
      int: the peak of one run on the CPU, by the runtime's own allocation records.
    """
    v1 = tf.compat.v1
    traced = tf.function(function, autograph=False).get_concrete_function(*map(tf.constant, arguments))
    with tf.Graph().as_default() as graph, v1.Session() as session:  # sessions report what they allocate
        tf.graph_util.import_graph_def(traced.graph.as_graph_def(), name='')
        feed = {tensor.name: value for tensor, value in zip(traced.inputs, arguments, strict=True)}
        outputs = [graph.get_tensor_by_name(tensor.name) for tensor in traced.outputs]
        session.run(outputs, feed)
        metadata = v1.RunMetadata()
        session.run(outputs, feed, v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE), metadata)
    records = [(record.alloc_micros, record.alloc_bytes)
               for device in metadata.step_stats.dev_stats for node in device.node_stats
               for memory in node.memory for record in memory.allocation_records]
    held = peak = 0
    for _, size in sorted(records, key=lambda record: record[0]):
        held += size
        peak = max(peak, held)
    return peak


def table(rows):
    """Makes a Markdown table of dictionaries with the same keys."""
    lines = [list(rows[0]), ['---'] * len(rows[0]), *(list(row.values()) for row in rows)]
    return '\n'.join(f'| {" | ".join(map(str, line))} |' for line in lines)


def line_plot(path, series, x_label, y_label):
    """Draws curves from the origin on as an SVG file; `series` is a dict, name -> list of (x, y)."""
    figure = Figure(figsize=(6.4, 3.6), layout='constrained')
    axes = figure.subplots()
    for name, points in series.items():
        axes.plot(*zip(*points, strict=True), marker='.', label=name)
    axes.set(xlabel=x_label, ylabel=y_label, xlim=0, ylim=0)
    axes.legend()
    figure.savefig(path, metadata={'Date': None})
