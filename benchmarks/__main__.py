"""``make bench``: every figure of speed, as ratios within one run, into ``docs/results.md``."""

from benchmarks import (
    chat_throughput,
    dictionary_step,
    end_to_end,
    harvest,
    patching,
    record,
    scaling,
)

if __name__ == "__main__":
    with record.recorded():
        harvest.main()
        dictionary_step.main()
        scaling.main()
        patching.main()
        chat_throughput.main()
        end_to_end.main()
