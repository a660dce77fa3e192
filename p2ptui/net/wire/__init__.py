"""Wire: frames and messages, sans-IO. Bytes in, events out; opens nothing, reads no clock."""
