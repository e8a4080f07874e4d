"""What a rulebook would have raised: recordings and evidence logs, run through the rules again."""
