"""``make bench``: every figure of speed, as ratios within one run, into ``docs/results.md``."""

from benchmarks import dictionary_step, end_to_end, harvest, record, scaling

if __name__ == "__main__":
    with record.recorded():
        harvest.main()
        dictionary_step.main()
        scaling.main()
        end_to_end.main()
