"""Debug information of images: prototypes and source lines, out of DWARF or of the assembler's own lines."""
