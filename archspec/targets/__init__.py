"""What a network is written as."""
