"""Shows integration profiles that cannot be read as an import error of this file in the Airflow UI.

It makes no DAG. The DAGs of all good profiles are made beside it, so a bad profile hides no other.
"""

from matchpoint.errors import ProfileError
from matchpoint.profile import load_profiles
from matchpoint_airflow.settings import profiles_folder

if errors := load_profiles(profiles_folder()).errors:
    raise ProfileError("\n\n".join(map(str, errors)))
