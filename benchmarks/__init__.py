"""What a night costs, as ratios against a baseline in the same run. `make bench` writes `benchmarks/results/`."""
