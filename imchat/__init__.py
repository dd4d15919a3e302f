"""imchat: an instant-messaging system in which an acknowledged message is never lost, doubled or reordered."""

__version__ = "0.1.0"
