"""IAM enforcement as AWS evaluates it."""
