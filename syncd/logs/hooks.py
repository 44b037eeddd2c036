"""What libraries say through the standard `logging`, brought to the log's own door."""

import logging

import structlog


class LibraryHandler(logging.Handler):
    """Turns each record of `logging` into the event `library.message`."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - a library's wrong format string is no reason to fail
            message = str(record.msg)
        structlog.get_logger().log(
            # Levels of a library's own making count as the standard one below them.
            min(record.levelno // 10 * 10, logging.CRITICAL),
            "library.message",
            logger=record.name,
            message=message,
            exc_info=record.exc_info,
        )


def hear_libraries() -> None:
    """Send warnings and worse of every library to the log; may be called again."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, LibraryHandler):
            root.removeHandler(handler)
    root.addHandler(LibraryHandler(logging.WARNING))
    logging.captureWarnings(True)
