"""Many frames on many processes or machines, by Dask; docs/clusters.md."""
