"""``python -m bench [workload...]``: measure, print, and keep the figures."""

from __future__ import annotations

import argparse
import gc
import os
import sys

from . import (
    attach,
    contender,
    feed_cost,
    feed_lag,
    feed_rate,
    locked_row,
    losses,
    measure,
    nodes,
    order_search,
    page_costs,
    report,
    starts,
    typing_crowd,
)
from .swarm import ServerFailedError
from .workloads import WORKLOADS

IDLE = "idle"
PACE = "order_pace"
LOSSES = "losses"
START = "start"
PACE_ABOUT = "100 orders/s: from due to answered, from due to heard by 100 admins, from answered to heard"
IDLE_ABOUT = "memory of one more connected client that says nothing"
# Of ours alone: each gives figures in units of their own.
FIGURES = {
    "attach": (attach.measure, attach.ABOUT),
    "feed_lag": (feed_lag.measure, feed_lag.ABOUT),
    "locked_row": (locked_row.measure, locked_row.ABOUT),
    "nodes": (nodes.measure, nodes.ABOUT),
    "feed_rate": (feed_rate.measure, feed_rate.ABOUT),
    "feed_cost": (feed_cost.measure, feed_cost.ABOUT),
    "pages": (page_costs.measure, page_costs.ABOUT),
    "order_search": (order_search.measure, order_search.ABOUT),
    "typing": (typing_crowd.measure, typing_crowd.ABOUT),
}


def main() -> None:
    arguments = _arguments()
    cores = {contender.SERVER_CORE, contender.GENERATOR_CORE}
    if not cores <= os.sched_getaffinity(0):
        sys.exit("two cores are needed: one for the server, one for the generator")
    os.sched_setaffinity(0, {contender.GENERATOR_CORE})
    measure.raise_fd_limit()
    gc.disable()  # the generator makes no cycles, and its pauses would show as the server's idle time
    names = contender.prepare(arguments.servers, with_stock_clients=LOSSES in arguments.workloads)
    report.print_machine()
    results: list[report.Row] = []
    for name in arguments.workloads:
        if name in FIGURES:
            take, about = FIGURES[name]
            rows = take(arguments.databases, arguments.samples)
            if not rows:
                print(f"{name}: nothing to measure on {' or '.join(arguments.databases)}\n", flush=True)
                continue
            report.print_figures(about, rows)
            results += rows
            continue
        if name == LOSSES:
            lost = losses.measure_losses(names)
            report.print_losses(lost)
            results += lost
            continue
        if name == START:
            results += _starts(names, arguments.samples)
            continue
        if name == IDLE:
            rows, about = measure.measure_idle(names), IDLE_ABOUT
        elif name == PACE:
            rows, about = measure.measure_pace(names, arguments.samples, arguments.databases), PACE_ABOUT
        else:
            rows = measure.measure(WORKLOADS[name], names, arguments.samples, arguments.databases)
            about = WORKLOADS[name].about
        report.print_table(about, rows)
        results += rows
    print(f"written to {report.save(results).relative_to(contender.HERE.parent)}")


def _starts(names: list[str], samples: int) -> list[measure.Result]:
    shops, hubs = starts.measure_shops(names, samples), starts.measure_hubs(names, samples)
    report.print_table(starts.SHOP_ABOUT, shops)
    report.print_table(starts.HUB_ABOUT, hubs)
    own = starts.measure_own(samples)
    report.print_figures(starts.OWN_ABOUT, own)
    return [*shops, *hubs, *own]


def _arguments() -> argparse.Namespace:
    known = [*WORKLOADS, PACE, IDLE, LOSSES, START, *FIGURES]
    parser = argparse.ArgumentParser(prog="python -m bench", description="Server CPU per message, ours beside peers.")
    parser.add_argument("workloads", nargs="*", metavar="workload", help=f"which: {', '.join(known)}; all if none")
    parser.add_argument("--servers", nargs="+", choices=contender.COMMANDS, default=[*contender.PEERS])
    databases = contender.DATABASES
    parser.add_argument("--databases", nargs="+", choices=databases, default=[*databases], help="of the whole shops")
    parser.add_argument("--samples", type=int, default=5, help="of each server and workload, a second each")
    arguments = parser.parse_args()
    arguments.workloads = arguments.workloads or known
    for name in arguments.workloads:
        if name not in known:
            parser.error(f"no workload {name!r}")
    return arguments


if __name__ == "__main__":
    try:
        main()
    except ServerFailedError as error:
        sys.exit(f"given up: {error}")
