"""Sessions that go far: by blocks that record what they do, which traces use, too."""
