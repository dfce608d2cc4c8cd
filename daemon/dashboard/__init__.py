"""What the tree's workers are doing, for a person: one view, shown in a terminal, a notebook or a page."""
