"""Context mixing in whole numbers: predictors of the next bit, what mixes them, and the coder behind them."""
