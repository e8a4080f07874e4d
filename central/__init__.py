"""The receiving end: ingress, durable store and the operators' console."""
