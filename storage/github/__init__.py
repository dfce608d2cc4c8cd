"""A GitHub repository as a source of jobs, a keeper of leases and a receiver of reports."""
