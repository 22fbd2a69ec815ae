"""People beside Django's user: profile, API keys, one-time sign-in links."""
