"""The Drive tree: names, files, leases, manifests, recipes and commits."""
