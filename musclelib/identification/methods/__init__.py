"""The methods of identification, each in the file of its name."""
