"""What goes over the uplink: records, signatures and the OSCORE security context."""
