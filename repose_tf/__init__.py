"""Reposing humans by warping 3D features: the model, its parts and its losses, on tensors only."""
