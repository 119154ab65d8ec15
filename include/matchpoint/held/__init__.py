"""What is held on one person: in the user store, and in the run folders that are kept."""

from matchpoint.held.export import export_person

__all__ = ["export_person"]
