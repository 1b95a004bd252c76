"""What a spec is before it trains: layers, sizes, optimizer, schedule, phases."""
