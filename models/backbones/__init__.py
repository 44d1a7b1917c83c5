"""Encoders that several saliency networks share."""
