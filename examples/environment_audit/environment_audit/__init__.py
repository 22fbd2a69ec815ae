"""An audit of the Python environment it runs in, and a chat about it; works offline."""
