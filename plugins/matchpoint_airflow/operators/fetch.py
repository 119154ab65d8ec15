"""Fetch the extracts of a run from the SIS's server into the run folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk.timezone import utcnow

from matchpoint.errors import DecryptionKeyError, ExtractError
from matchpoint.fetch import Choice, RemoteFile, choose, keep
from matchpoint.leavers.feeds import note_fetched
from matchpoint.profile import Profile
from matchpoint.retention import purged_at
from matchpoint.run_folder import AnyPath, Extract, sha256
from matchpoint.sides import in_use, role_of
from matchpoint.store.ledger import applied_by, was_applied
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.operators.base import ProfileOperator, active_action
from matchpoint_airflow.operators.handled import rename_handled
from matchpoint_airflow.run import Run, profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

    from matchpoint_airflow.hooks.sis import SisServer


class SisFetchExtractsOperator(ProfileOperator):
    """Copies the new and complete files of the profile's folder into the run folder, zips unpacked.

    Gives the paths of the person files in the run folder. A file that this profile and mode applied before is not
    taken again; a side file is taken along as often as a person file needs it, and never alone. Without any person
    file to take, the run is skipped. A run that has applied its extracts keeps those.
    """

    def execute(self, context: Context) -> list[str]:
        """Fetch, and give the paths of the person files."""
        from matchpoint_airflow.hooks.sis import sis_server

        run, profile = Run.of(context), profile_of(self.profile)
        action = active_action(profile, self.mode)
        store = UserStoreHook(profile.store).get_conn()
        _refuse_purged(run)
        if was_applied(store, run.id):
            self.log.info("this run has applied its extracts; it keeps them")
            return _people(run.folder.extracts)
        with sis_server(profile.connection, action.path) as server:
            earlier = server.files()
            time.sleep(action.settle_seconds)
            sides = [join.file for join in profile.joins.values()]
            choice = choose(earlier, server.files(), action, run.only_file, sides)
            people = [one.name for one in choice.take if not role_of(profile, one.name, None)]
            self._refuse_none(people, choice.waiting, run, server)
            late = [name for name in choice.waiting if not role_of(profile, name, None)]
            note_fetched(run.folder, only_file=run.only_file, waiting=late)
            extracts = self._copy(choice, run, server, store, profile)
        if not _people(extracts):
            raise AirflowSkipException("no person file, or all were applied before; nothing to do")
        extracts = self._needed(run, extracts, profile)
        run.folder.write_manifest(extracts)
        self.log.info("fetched %d extracts from %d files", len(extracts), len(choice.take))
        return _people(extracts)

    def _needed(self, run: Run, extracts: list[Extract], profile: Profile) -> list[Extract]:
        """Give back the side files that belong to no person file of this run: they are for another one."""
        try:
            needed = in_use(extracts, profile)
        except ExtractError as error:
            raise AirflowFailException(f"{error} Nothing of this run was written.") from error
        for extract in extracts:
            if extract not in needed:
                run.folder.path(*extract.path.split("/")).unlink()
                self.log.info("%s belongs to no file of people in this run; it is left", extract.label)
        return needed

    def _refuse_none(self, people: list[str], waiting: list[str], run: Run, server: SisServer) -> None:
        if waiting:
            self.log.warning("not complete yet, left for the next run: %s", ", ".join(waiting))
        if people:
            return
        if run.only_file:
            raise AirflowFailException(
                f"{server.path(run.only_file)}: found no such complete file; expected the one named in the run's "
                "param. Look at its name, and whether it is still being written or already handled."
            )
        raise AirflowSkipException(
            f"no complete file of people for {self.profile} in {server.folder}; the run is skipped"
        )

    def _copy(self, choice: Choice, run: Run, server: SisServer, store: Engine, profile: Profile) -> list[Extract]:
        extracts: list[Extract] = []
        for file in choice.take:
            copy = run.folder.path("fetched", f"{len(extracts):03}_copy")
            server.copy(file, copy)
            is_side = bool(role_of(profile, file.name, None))
            before = None if is_side else self._applied_before(store, server, file, sha256(copy))
            if before and before != run.id:
                self.log.info("%s was applied by %s; it is not taken again", file.name, before)
                rename_handled(server, file.name, file.modified, file.size)
            else:
                extracts += self._keep(run, copy, server.path(file.name), file, len(extracts), profile=profile)
            copy.unlink()
        return extracts

    def _keep(
        self, run: Run, copy: AnyPath, remote: str, file: RemoteFile, first: int, *, profile: Profile
    ) -> list[Extract]:
        pattern = active_action(profile, self.mode).pattern
        try:
            with _plain(profile, copy, file.name) as plain:
                return keep(
                    run.folder, copy, remote, file.modified, first, profile=profile, pattern=pattern, plain=plain
                )
        except (ExtractError, DecryptionKeyError) as error:
            raise AirflowFailException(f"{error} Nothing of this run was written.") from error

    def _applied_before(self, store: Engine, server: SisServer, file: RemoteFile, content: str) -> str | None:
        return applied_by(
            store,
            profile=self.profile,
            mode=self.mode,
            name=server.path(file.name),
            modified=file.modified,
            sha256=content,
        )


def _refuse_purged(run: Run) -> None:
    """Refuse to repeat a run whose extracts were deleted: what it would fetch now is for a run of its own."""
    at = purged_at(run.folder)
    if at is not None:
        raise AirflowFailException(
            f"{run.folder.root}: found its extracts deleted on {at[:10]} by runs_purge; expected them. This run "
            "cannot be repeated. Have the file sent again and trigger a new run."
        )


def _people(extracts: list[Extract]) -> list[str]:
    """Give the paths of the person files."""
    return [extract.path for extract in extracts if not extract.join]


@contextmanager
def _plain(profile: Profile, copy: AnyPath, name: str) -> Iterator[AnyPath | None]:
    """Give what is in a file that comes encrypted; None where the profile says that files come plain."""
    if profile.decrypt is None:
        yield None
        return
    from matchpoint.openpgp import decrypted
    from matchpoint_airflow.hooks.openpgp import decryption_keys

    unsigned = profile.decrypt.signatures == "optional"
    with decrypted(copy, name, decryption_keys(profile.decrypt), unsigned=unsigned, now=utcnow()) as plain:
        yield plain
