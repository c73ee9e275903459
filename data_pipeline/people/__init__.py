"""The data set `people`: any folder of pictures of people with their 3D poses."""

from data_pipeline.people.people_builder import PeopleBuilder, open_people

__all__ = ['PeopleBuilder', 'open_people']
