"""What the methods separate sequences with: bands, ranks, components, regions."""
