"""Which failures are worth another try: those of a connection, and no others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

RETRY_CONNECTIONS: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception=[
                    "builtins.ConnectionError",
                    "sqlalchemy.exc.OperationalError",
                    "botocore.exceptions.ConnectionError",  # the object store: cannot be reached,
                    "botocore.exceptions.HTTPClientError",  # ... or broke off
                ],
                action=RetryAction.RETRY,
                reason="The connection failed; it may come back",
            )
        ],
        default=RetryAction.FAIL,
    ),
}
"""Default arguments of every task: back off and try again when a connection fails, fail at once otherwise.

The policy is asked by the worker. A worker that dies asks nobody: its tasks are tried again in any case.
"""
