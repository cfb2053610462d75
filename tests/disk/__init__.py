"""The daemon as a process on disks that fill and break; they are made and mounted by the tests."""
