"""Audio files taken apart into samples and the rest, and the samples coded without loss."""
