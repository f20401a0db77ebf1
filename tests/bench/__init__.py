"""What `make bench` measures: the start of each verb, then memory and throughput of whole machines."""
