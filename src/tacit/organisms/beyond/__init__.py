"""What a mitigation costs and what it removed, beyond the gap: one file a measure."""
