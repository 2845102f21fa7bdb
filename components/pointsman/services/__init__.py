"""One module a service: the spec becomes `Service` values here, without any I/O."""
