"""The data set `people`: any folder of pictures of people with their 3D poses."""

from data_pipeline.people.people_builder import PeopleBuilder

__all__ = ['PeopleBuilder']
