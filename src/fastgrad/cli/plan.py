"""`python -m fastgrad plan`: what a model of the cost expects of a data-parallel step on more ranks."""

RANKS = (1, 2, 4, 8, 16, 64, 256, 1000, 4000, 10_000)


def lines(options):
    """Return the report: what was assumed, and a table of expected steps."""
    from fastgrad.parallel import buckets, cost

    network = cost.Network(options.latency * 1e-6, options.bandwidth * 1e9, options.overlap)
    nbytes = options.parameters * options.itemsize
    settings = {"bucket": buckets.BUCKET, "large": nbytes * options.largest, "spread": options.spread}
    steps = [cost.predict(n, nbytes, options.step * 1e-3, network, **settings) for n in RANKS]
    return [
        f"{options.parameters:,.0f} parameters of {options.itemsize} bytes, {options.step:g} ms of computing per step "
        "on each rank",
        f"{options.latency:g} µs per message, {options.bandwidth:g} GB/s, {options.overlap:.0%} of the communication "
        "goes on while a rank computes,",
        f"the largest gradient is {options.largest:.0%} of all, times of ranks vary by {options.spread:.1%}",
        "",
        *cost.table(steps),
    ]
