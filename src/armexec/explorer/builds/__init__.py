"""The builder processes: source to instructions, words and images; what an instruction is."""
