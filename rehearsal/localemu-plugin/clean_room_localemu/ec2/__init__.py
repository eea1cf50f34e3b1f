"""EC2 and EBS as AWS behaves."""
