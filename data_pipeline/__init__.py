"""From picture folders to batches of pose pairs."""
