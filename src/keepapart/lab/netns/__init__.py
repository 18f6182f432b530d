"""The lab's instances as network namespaces, and real kernels' routing between them."""
