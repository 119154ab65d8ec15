"""Delivery: bringing the changes of the user store to Alma, and keeping what Alma did not take."""
