"""What a run and an evaluation consist of: their parts put together, carried out, and recorded."""
