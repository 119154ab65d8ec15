"""Leavers and returners: people of a full extract who are missing from it, and who come back."""
