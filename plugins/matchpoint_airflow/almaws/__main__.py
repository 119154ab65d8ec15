"""An Alma to rehearse on: ``python -m matchpoint_airflow.almaws --store sqlite:///alma.db serve``.

``keys add NAME``, ``keys list`` and ``keys revoke NAME`` look after the keys; ``webhook URL`` registers an address.
"""

from __future__ import annotations

import argparse
import sys
from getpass import getpass
from pathlib import Path

import uvicorn
from sqlalchemy import Engine

from matchpoint.almaws.keys import PER_DAY, PER_SECOND, Limits, list_keys, make_key, revoke_key
from matchpoint.almaws.users import Alma
from matchpoint.almaws.webhooks import Webhook, queue_job_end
from matchpoint.errors import MatchpointError
from matchpoint.profile import load_profiles
from matchpoint.store import open_store, upgrade
from matchpoint_airflow.almaws.app import create_app
from matchpoint_airflow.almaws.job_desk import JobDesk, utcnow
from matchpoint_airflow.almaws.jobs import add_jobs
from matchpoint_airflow.almaws.server import Server
from matchpoint_airflow.almaws.webhooks import WebhookTimer, register


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says."""
    options = _parser().parse_args(arguments)
    engine = open_store(options.store)
    upgrade(engine)
    try:
        return int(options.do(options, engine))
    except MatchpointError as error:
        print(error, file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace, engine: Engine) -> int:
    if not list_keys(engine):
        made = make_key(engine, "first", "rw", utcnow())
        print(f"API key, shown this once: {made}", flush=True)
    profiles = load_profiles(options.profiles).good
    codes = {one.code for one in profiles} | set(options.profile)
    server = Server(Alma(engine, codes), utcnow, Limits(engine))
    print(f"Alma's API: http://{options.host}:{options.port}/almaws/v1/docs", flush=True)
    desk = JobDesk(
        engine,
        profiles,
        options.runs,
        options.files,
        clock=utcnow,
        on_end=lambda one: queue_job_end(engine, one, utcnow()),
    )
    app = add_jobs(create_app(lambda: server), desk)
    WebhookTimer(engine, utcnow).start()
    # No access log: it would hold keys and identifiers.
    uvicorn.run(app, host=options.host, port=options.port, access_log=False)
    return 0


def _webhook(options: argparse.Namespace, engine: Engine) -> int:
    register(engine, Webhook(options.url, getpass("Secret that signs the posts: ")))
    return 0


def _add(options: argparse.Namespace, engine: Engine) -> int:
    limits = {"per_second": options.per_second, "per_day": options.per_day}
    print(make_key(engine, options.name, options.scope, utcnow(), **limits))
    return 0


def _list(_: argparse.Namespace, engine: Engine) -> int:
    for one in list_keys(engine):
        state = "revoked" if one["revoked_at"] else one["scope"]
        print(f"{one['name']:30} {state:8} {one['per_second']} a second, {one['per_day']} a day")
    return 0


def _revoke(options: argparse.Namespace, engine: Engine) -> int:
    revoke_key(engine, options.name, utcnow())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m matchpoint_airflow.almaws", description=__doc__)
    parser.add_argument("--store", required=True, help="SQLAlchemy URL of the user store")
    commands = parser.add_subparsers(required=True)
    serve = commands.add_parser("serve", help="serve the API")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8090)
    serve.add_argument("--profiles", type=Path, default=Path("include/profiles"))
    serve.add_argument("--profile", action="append", default=[], help="another code that an external id may have")
    serve.add_argument("--runs", type=Path, default=Path("runs"), help="place of the run folders of SIS jobs")
    serve.add_argument("--files", type=Path, help="local folder of the SIS jobs' files, in place of SFTP servers")
    serve.set_defaults(do=_serve)
    webhook = commands.add_parser("webhook", help="send an address the challenge and register it")
    webhook.add_argument("url")
    webhook.set_defaults(do=_webhook)
    keys = commands.add_parser("keys", help="keys of the API").add_subparsers(required=True)
    add = keys.add_parser("add", help="make a key and print it, this once")
    add.add_argument("name")
    add.add_argument("--scope", choices=["ro", "rw"], default="ro")
    add.add_argument("--per-second", type=int, default=PER_SECOND)
    add.add_argument("--per-day", type=int, default=PER_DAY)
    add.set_defaults(do=_add)
    keys.add_parser("list", help="list them").set_defaults(do=_list)
    revoke = keys.add_parser("revoke", help="make one useless")
    revoke.add_argument("name")
    revoke.set_defaults(do=_revoke)
    return parser


if __name__ == "__main__":
    sys.exit(main())
