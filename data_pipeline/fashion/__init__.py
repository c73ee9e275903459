"""The data set `fashion`: DeepFashion In-shop, from files that its owners give on request."""

from data_pipeline.fashion.fashion_builder import FashionBuilder

__all__ = ['FashionBuilder']
