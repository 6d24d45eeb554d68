"""Time: clocks, durable timers, APScheduler wakes, sweeps and retention."""
