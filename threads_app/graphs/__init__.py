"""Graph projects: what a `langgraph.json` names, loaded once and described as plain data."""
