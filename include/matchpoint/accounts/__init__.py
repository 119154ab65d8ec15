"""The library's own work on users: create, edit, convert, merge, delete, purge; roles and passwords."""
