"""Training any network on any task: module, loss, schedule, budget, throughput, progress."""
