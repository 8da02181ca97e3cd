"""Parts about time: commands longer than the broker's patience, and how many a second."""

import re
import time

import facts
from parts import part
from process import tail, wait_until

IN_FLIGHT = 64
CREATES = 400


@part("long", "commands longer than the broker's consumer timeout: the channel is closed under them",
      limit=300, settle=90)
def long_commands(play):
    rabbit = play.stage.rabbit
    play.host.kill()
    # milliseconds; both are looked at when a channel is opened
    rabbit.tune(consumer_timeout=3000, channel_tick_interval=1000)
    try:
        # its queues went with the broker: what is sent before it is back goes nowhere
        play.host.start()
        play.baseline(6, keep=2)
        play.xms.slow(8000)
        for request in play.traffic(6, 6):
            request()
        play.settle()
        play.xms.slow(0)
        log = play.host.process.log.read_text(errors="replace")
        play.notes["channels closed by the broker"] = len(re.findall(r"PRECONDITION.FAILED", log))
        play.notes["deliveries that joined a running command"] = log.count("that is running here")
    finally:
        rabbit.tune()


@part("throughput", f"{CREATES} creates wait in the queue; {IN_FLIGHT} in flight, array answers in 5 ms",
      options={"DEFAULT": {"executor_thread_pool_size": IN_FLIGHT, "debug": "false"}}, limit=300)
def throughput(play):
    play.xms.slow(5)
    play.baseline(2)
    requests = play.traffic(CREATES, 0, tag="queued")
    play.host.kill()
    play.asker.wait([request() for request in requests])
    began = time.monotonic()
    play.host.again()

    def available():
        return sum(row[1] == "available" for row in facts.rows(play.stage)["volume"])

    wait_until("the first volumes", lambda: available() > 2, 60, every=0.02)
    first, at_first = time.monotonic(), available()
    wait_until("all volumes", lambda: available() == CREATES + 2, 200, every=0.02)
    last = time.monotonic()
    play.notes["seconds from the start to the first volume"] = round(first - began, 2)
    play.notes["creates per second"] = round((CREATES + 2 - at_first) / (last - first), 1)
    play.settle()
    play.host.terminate()
    said = tail(play.host.process.log, 40)
    costs = re.search(r"written=(\d+) journal.commits=(\d+) journal.busy_ms=(\d+)", said)
    if costs:
        written, commits, busy = map(int, costs.groups())
        play.notes["journal"] = (
            f"{written} operations in {commits} commits, {busy} ms between BEGIN and COMMIT: "
            f"{busy / 10 / (last - began):.1f} % of the {last - began:.2f} s"
        )
    play.host.again()
