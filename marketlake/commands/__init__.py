"""The commands, one file per group; each has `register(app)`. Importing a file here imports no heavy library."""
