"""Every text a person reads: gettext catalogues and their rendering."""
