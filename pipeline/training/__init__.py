"""What training the motion network needs of the method: coded flow with masks."""
