"""Metrics of pictures and poses, and the networks that some of them need."""
