"""Node: the running peer. Library, fetches, uploads and the link to the tracker."""
