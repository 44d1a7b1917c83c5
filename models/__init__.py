"""Networks: saliency and flow, their weights, serving and training. Knows tensors, not time."""
