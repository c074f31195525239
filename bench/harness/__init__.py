"""What bench/run is made of: peers, measuring, callgrind, report."""
