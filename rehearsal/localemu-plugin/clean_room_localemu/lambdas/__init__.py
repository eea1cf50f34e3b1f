"""Lambda functions as local Node processes."""
