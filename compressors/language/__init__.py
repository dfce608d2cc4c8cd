"""Text coded with a language model: tokens, predictors beside the model, their mixture, and the coder."""
