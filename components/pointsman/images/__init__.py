"""Images of the services: pulled from a registry or built from packages, pinned for each environment."""
