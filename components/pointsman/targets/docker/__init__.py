"""The Docker target: names and labels, the resources a service becomes, and the edge to the engine."""
