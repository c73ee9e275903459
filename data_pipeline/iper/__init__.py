"""The data set `iper`: iPER, from files that its owners give on request."""

from data_pipeline.iper.iper_builder import IperBuilder

__all__ = ['IperBuilder']
