"""The density models behind the recourse methods: one file each."""
