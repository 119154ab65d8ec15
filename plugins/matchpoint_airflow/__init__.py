"""The Airflow side of Matchpoint: operators, hooks, links and pages over the library ``matchpoint``."""
