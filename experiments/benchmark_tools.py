"""What all benchmarks measure with: a stopwatch that takes turns, a memory count, a table and a plot."""

import time

import tensorflow as tf


def seconds(functions, rounds):
    """Times functions in turn, so that whatever slows the machine down for a while slows them all down.

    Args:
      functions: dict, name -> function without arguments that waits for its result.
      rounds: times that each is run; a slow one (over 2 s) is run five times at most.

    Returns:
      dict, name -> median seconds.
    """
    times = {name: [] for name in functions}
    for function in functions.values():  # builds graphs, fills caches
        for _ in range(2):
            function()
    for _ in range(rounds):
        for name, function in functions.items():
            if len(times[name]) >= 5 and times[name][0] > 2.0:
                continue
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {name: sorted(values)[len(values) // 2] for name, values in times.items()}


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


def line_plot(series, x_label, y_label, width=640, height=360):
    """Draws curves as an SVG.

    Args:
      series: dict, name -> list of (x, y), both from 0 on.

    Returns:
      the SVG as a text.
    """
    left, bottom, right, top = 60, height - 50, width - 150, 20
    x_max = max(x for points in series.values() for x, _ in points)
    y_max = max(y for points in series.values() for _, y in points)

    def place(x, y):
        return f'{left + x / x_max * (right - left):.1f},{bottom - y / y_max * (bottom - top):.1f}'

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>',
             f'<path d="M{left},{top} V{bottom} H{right}" stroke="black" fill="none"/>',
             f'<text x="{(left + right) / 2}" y="{height - 12}" text-anchor="middle">{x_label}</text>',
             f'<text x="{left}" y="14" text-anchor="middle">{y_label}</text>']
    for step in range(5):
        x, y = (place(x_max * step / 4, y_max * step / 4)).split(',')
        parts.append(f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{x_max * step / 4:.3g}</text>')
        parts.append(f'<text x="{left - 6}" y="{y}" text-anchor="end">{y_max * step / 4:.3g}</text>')
    for colour, (name, points) in zip(('#1b6ca8', '#c0392b', '#2e8b57', '#8e44ad'), series.items()):
        path = ' L'.join(place(x, y) for x, y in points)
        x, y = place(*points[-1]).split(',')
        parts.append(f'<path d="M{path}" stroke="{colour}" stroke-width="2" fill="none"/>'
                     f'<text x="{float(x) + 6}" y="{y}" fill="{colour}">{name}</text>')
    return '\n'.join([*parts, '</svg>\n'])
