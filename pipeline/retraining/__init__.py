"""One round of retraining the twin: its job on disk, the child process that does it, and who waits for it how."""
