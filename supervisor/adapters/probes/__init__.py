"""Ways to see from outside whether a worker works: one small module for each, one that looks, one that holds them all."""
