"""The gateway daemon: the only writer, its journal and its sockets."""
