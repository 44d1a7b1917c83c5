"""How published data sets lay out their files; one file a layout."""
