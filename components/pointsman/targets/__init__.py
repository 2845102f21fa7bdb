"""Where services run: a `Service` becomes resources here. Docker is the first target."""
