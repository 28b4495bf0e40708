"""Terms, clock stops and being on time, as the law counts them: pure functions of the history of one case."""
