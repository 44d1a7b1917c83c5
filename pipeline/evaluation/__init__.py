"""Accuracy on labelled video: data sets, measures, reports, and the paper's tables as commands."""
