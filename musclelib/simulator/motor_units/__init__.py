"""Motor units as papers 1 and 2 simulate them: pools, firings, territories, twitches, and their sum."""
