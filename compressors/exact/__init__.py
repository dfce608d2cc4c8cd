"""A Llama-family language model in arithmetic that every machine does alike.

The rules, each of which a module here keeps and a test holds it to:

- Products and sums run over whole numbers with every partial sum bounded, so that their order does not matter.
- Elementwise `+ - * / sqrt round` on floats are correctly rounded by IEEE 754, one kernel each: nothing is fused.
- Division is by tensors: CUDA turns a division by a Python number into a product with its reciprocal.
- `exp`, the sigmoid, sines and cosines come from tables made with whole numbers and pinned by SHA-256.
- Ties and orders follow stated rules.
"""
