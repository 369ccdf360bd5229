"""``make bench``: every figure of speed, as ratios within one run."""

from benchmarks import dictionary_step, end_to_end, harvest, scaling

if __name__ == "__main__":
    harvest.main()
    dictionary_step.main()
    scaling.main()
    end_to_end.main()
