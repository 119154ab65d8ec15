"""One person under two identities: likeness scored, proposed to staff, answered by them. Nothing is silent."""
