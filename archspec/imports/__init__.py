"""Networks that exist elsewhere, read back as short specs.

flat        the network that a reader builds, and what it could not say
imported    what an import gives
"""
