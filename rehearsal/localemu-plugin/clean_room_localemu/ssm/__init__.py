"""Systems Manager Run Command on local processes."""
