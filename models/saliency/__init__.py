"""Saliency networks, one file each; importing a file registers its network."""
