"""``make bench``: every figure of speed, as ratios within one run, into ``docs/results.md``."""

from benchmarks import (
    chat_throughput,
    dictionary_step,
    drawing,
    end_to_end,
    grpo,
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
        drawing.main()
        chat_throughput.main()
        end_to_end.main()
        grpo.main()
