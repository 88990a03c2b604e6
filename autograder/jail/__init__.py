"""Warm kernels: forked in milliseconds from a parent that has the imports done.

`parent` is that process, `provisioner` how jupyter_client gets a kernel from it.
"""
