"""Profiles of guest code: `profile` is what users see, `collector` makes one, engines tell `registry` what runs."""
