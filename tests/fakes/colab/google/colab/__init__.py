"""A stand-in for what Colab gives its notebooks."""
