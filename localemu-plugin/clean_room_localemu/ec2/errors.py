"""EC2 errors, by AWS's codes."""

from moto.ec2.exceptions import EC2ClientError


def error(code: str, message: str) -> EC2ClientError:
    """To be raised from moto's EC2 classes; reaches the caller as HTTP 400 with the code."""
    return EC2ClientError(code, message)
