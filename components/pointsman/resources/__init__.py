"""The custom resources that Pulumi lacks: their program side here, the provider plugin that makes them in provider/."""
