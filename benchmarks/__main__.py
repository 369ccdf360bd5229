"""``make bench``: every figure of speed, as ratios within one run."""

from benchmarks import dictionary_step, harvest

if __name__ == "__main__":
    harvest.main()
    dictionary_step.main()
