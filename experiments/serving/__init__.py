"""A SavedModel on the network: configuration and clients of TensorFlow Serving, and bad requests (docs/serving.md)."""
