"""JPEG files (ITU-T T.81) as their quantised coefficients, and back to the very bytes."""
