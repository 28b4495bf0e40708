"""Working time: the calendar of each agency, and terms counted by it. Pure, exact, and without a clock."""
