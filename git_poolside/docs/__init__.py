"""What is made of the sources at build time and committed; nothing of it runs in a command."""
