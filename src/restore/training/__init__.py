"""Training any network on any task: module, trainer, budget, preemption, history, throughput, progress."""
