"""Functions that are traced once for all devices, and called on each of them with its own copies of the variables.

A tf.function that is called in replicas is traced for each of them anew, as it holds the variables of that replica.
Tracing takes longer than anything else before the first step, and so it would grow with the devices.
"""

import tensorflow as tf


class ReplicatedFunction:
    """A function to be called in the replicas of a strategy, within a tf.function.

    It gets and returns tensors alone, in any structure. What it does with variables it does as in a replica.
    """

    def __init__(self, function, variables):
        """Takes the function and all variables that it may use, made under the strategy's scope."""
        self._function = tf.function(function, autograph=False)
        self._variables = variables
        self._traced = {}

    def __call__(self, *arguments):
        if tf.config.functions_run_eagerly() or tf.distribute.get_replica_context().num_replicas_in_sync == 1:
            return self._function(*arguments)
        specs = tf.nest.map_structure(tf.TensorSpec.from_tensor, arguments)
        key = tuple((spec.shape, spec.dtype) for spec in tf.nest.flatten(specs))
        if key not in self._traced:
            self._traced[key] = self._for_all_replicas(specs)
        return self._traced[key](*arguments)

    def _for_all_replicas(self, specs):
        """Traces it in this replica; the result asks for the variables of the replica in which it is called."""
        traced = self._function.get_concrete_function(*specs)
        # In a replica, the handle of a distributed variable is that of its copy there.
        of_handle = {id(variable.handle): variable for variable in self._variables}
        for captured in traced.captured_inputs:
            variable = of_handle.get(id(captured))
            if variable is not None:
                traced.replace_capture_with_deferred_capture(
                    captured, lambda variable=variable: variable.handle, tf.TensorSpec([], tf.resource))
        return traced
