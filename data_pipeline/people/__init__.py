"""The data set `people`: any folder of pictures of people with their 3D poses."""
