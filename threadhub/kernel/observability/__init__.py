"""What ThreadHub tells about itself: correlation ids and logs, secrets taken out."""
