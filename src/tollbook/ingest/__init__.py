"""From bytes to judged records, committed with the position that they were read up to."""
