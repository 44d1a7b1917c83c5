"""`livesal bench`: what claims of speed rest on. Each verb measures beside a baseline of the same run."""
