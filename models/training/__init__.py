"""How livesal's own networks are trained."""
