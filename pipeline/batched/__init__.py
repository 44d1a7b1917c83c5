"""The frame path of many cameras at once, in tensors: what a GPU computes in one go."""
