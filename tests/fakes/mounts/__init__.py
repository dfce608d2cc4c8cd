"""One folder seen through several rclone mounts: late, out of order, and gone when a process is killed."""
