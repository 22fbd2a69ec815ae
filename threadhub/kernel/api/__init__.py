"""What every API route of ThreadHub shares."""
