"""The one error of notifications and pings."""

INVALID_URL = "the URL is not valid: write one such as https://example.com/hook"


class DeliveryError(Exception):
    """A receiver has not accepted a notification, or a monitor a ping.

    The text is for the operator. It names neither the URL nor its server.
    """
