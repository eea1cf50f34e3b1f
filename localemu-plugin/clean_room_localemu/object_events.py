"""Corrections to S3's event notifications. https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html"""

from urllib.parse import quote_plus


def install() -> None:
    """S3 writes keys form-encoded into its events, a blank as a plus sign; LocalEmu writes %20, which hides a forgotten decoding."""
    from localemu.services.s3 import notifications

    notifications.quote = lambda key: quote_plus(key, safe="/")
