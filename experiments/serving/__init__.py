"""What lets a SavedModel be asked over the network: configuration for TensorFlow Serving, clients (docs/serving.md)."""
