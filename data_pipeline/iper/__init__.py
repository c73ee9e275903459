"""The data set `iper`: iPER, from files that its owners give on request."""
