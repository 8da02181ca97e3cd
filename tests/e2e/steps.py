"""Named steps with their seconds; the first that fails ends its list and shows the logs."""

import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from process import LabError, tail


class Failed(Exception):
    """Something is not as it must be; the text names what was seen."""


def check(condition, text):
    """Fails the step with `text` unless the condition holds."""
    if not condition:
        raise Failed(text)


class Steps:
    """Collects the functions of one scenario in the order of their definition."""

    def __init__(self, title):
        self.title, self.steps = title, []

    def __call__(self, name):
        """Decorator: `@step("what is shown")` over a function that takes the lab."""

        def add(function):
            self.steps.append((name, function))
            return function

        return add

    def each(self, name):
        """The same for a function that takes a fabric: it runs on all of them side by side."""

        def add(function):
            self.steps.append((name, lambda lab: on_each(function, lab.fabrics)))
            return function

        return add

    def run(self, lab):
        """Runs them all; (passed, failed). What comes after a failure would only mislead."""
        print(f"\n{self.title}", flush=True)
        for done, (name, function) in enumerate(self.steps):
            began = time.monotonic()
            try:
                function(lab)
            except (Failed, LabError) as why:
                return self._failed(lab, done, name, began, str(why))
            except Exception:  # the scenario itself is wrong: its trace is the report
                return self._failed(lab, done, name, began, traceback.format_exc())
            print(f"  ok     {time.monotonic() - began:6.1f} s  {name}", flush=True)
        return len(self.steps), 0

    def _failed(self, lab, done, name, began, why):
        print(f"  FAILED {time.monotonic() - began:6.1f} s  {name}\n{why}", flush=True)
        for log in lab.logs_of_interest():
            print(tail(log, 15), flush=True)
        left = len(self.steps) - done - 1
        if left:
            print(f"  not run: {left} more steps of '{self.title}'", flush=True)
        return done, 1


def on_each(function, fabrics):
    """Calls it with every fabric at the same time; fails with the words of all that failed."""
    with ThreadPoolExecutor(len(fabrics)) as pool:
        tasks = {name: pool.submit(function, fabric) for name, fabric in fabrics.items()}
    errors = {name: task.exception() for name, task in tasks.items() if task.exception()}
    for why in errors.values():
        if not isinstance(why, (Failed, LabError)):
            raise why
    check(not errors, "\n".join(f"{name}: {why}" for name, why in errors.items()))
