"""The data set `fashion`: DeepFashion In-shop, from files that its owners give on request."""
