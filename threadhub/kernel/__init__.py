"""What every floor above may use; imports nothing of ThreadHub above itself."""
