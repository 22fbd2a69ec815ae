"""Try a project's graphs in processes of their own, where nothing they do can harm others."""
