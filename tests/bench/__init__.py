"""How fast netspec trains beside loops that an expert would write by hand, and how fast its commands answer."""
