# Airflow with Matchpoint built in. docker-compose.yaml builds it and sets its environment.
FROM apache/airflow:3.3.2-python3.11

# Airflow's own version is named again, so that no requirement can move it.
COPY requirements.txt /requirements.txt
# Built from source urllib3-future stays beside urllib3; its wheel writes itself over it.
RUN URLLIB3_NO_OVERRIDE=1 pip install --no-cache-dir --no-binary urllib3-future "apache-airflow==${AIRFLOW_VERSION}" -r /requirements.txt

# A new volume takes the rights of the folder that it is mounted on: writable for group 0.
RUN for folder in logs runs auth; do mkdir -p -m 0775 "/opt/airflow/${folder}"; done

# The code belongs to root: the processes, which run as "airflow", read it and cannot change it.
COPY include /opt/airflow/include
COPY plugins /opt/airflow/plugins
COPY dags /opt/airflow/dags
