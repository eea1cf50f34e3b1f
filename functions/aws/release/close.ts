/** The end of a release: its containment and incidents are closed, its groups deleted, and people told. */
import { deleteOwnGroup } from "../containment/containmentGroups";
import { attempt, done as performed } from "../containment/performed";
import { environment } from "../environment";
import { log } from "../handler";
import { markReleased } from "../incidentsTable";
import { tell } from "../people";
import { changeStanding } from "../standingContainments";
import type { Victim } from "../victim";
import type { ContainmentStep, Release } from "../../domain/containers";
import { releaseMessage } from "../../domain/messages/release";
import type { StandingContainment } from "../../domain/standingContainment";

/** Closes containment and incidents in the table, and deletes the groups; what could not be is a failed step of a release that was done. */
export async function close(victim: Victim, incidentIds: string[], kept: StandingContainment | null): Promise<ContainmentStep[]> {
    const { step: closed, error } = await attempt(
        { name: "closeIncident", detail: "until it is closed, the next finding about the instance joins it instead of containing anew" },
        async () => {
            if (kept !== null)
                await changeStanding(victim.ref, kept, (read) =>
                    read === null || read.releasedAt !== null ? null : { ...read, releasedAt: new Date().toISOString() },
                );
            for (const each of incidentIds) await markReleased(each);
            return performed;
        },
    );
    const steps = error === null ? [] : [closed];
    for (const group of [kept?.groups.isolation, kept?.groups.untrack, ...(kept?.formerGroups ?? [])]) {
        if (!group) continue;
        const { step: deleted, error: why } = await attempt(
            { name: "deleteGroup", detail: `${group}, which was made for the containment and stays: delete it by hand` },
            async () => {
                await deleteOwnGroup(victim, group, incidentIds);
                return performed;
            },
        );
        if (why !== null) steps.push(deleted);
    }
    return steps;
}

/**
 * Closes the incidents of a containment whose network alone was given back: the next finding opens another, which contains the instance again.
 * What stays denied stands on record, and the watch goes on with it.
 */
export async function closeNetwork(victim: Victim, incidentIds: string[], kept: StandingContainment | null): Promise<ContainmentStep[]> {
    const { step: closed, error } = await attempt(
        { name: "closeIncident", detail: "until it is closed, the next finding about the instance joins it instead of containing anew" },
        async () => {
            await changeStanding(victim.ref, kept, (read) =>
                read === null || read.releasedAt !== null
                    ? null
                    : { ...read, networkReleasedAt: read.networkReleasedAt ?? new Date().toISOString(), releasingAt: null },
            );
            for (const each of incidentIds) await markReleased(each);
            return performed;
        },
    );
    return error === null ? [] : [closed];
}

/** Tells people; that they could not be told is a failed step of a release that was done. */
export async function tellPeople(release: Release): Promise<ContainmentStep[]> {
    try {
        await tell(releaseMessage(release, environment("PARTITION")));
        return [];
    } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        log("could not tell people of the release", { incidentId: release.incidentId, why });
        return [{ name: "tellPeople", outcome: "failed", at: new Date().toISOString(), detail: why }];
    }
}
