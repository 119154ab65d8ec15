"""Reading extracts: delimited text and Alma user XML, and unpacking the zips they may come in."""
