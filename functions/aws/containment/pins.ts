/** What an action keeps in the standing record before it changes anything, so that a release finds it. */
import { withRevoked } from "../../domain/standingContainment";
import { listStanding } from "../standingContainments";
import type { Victim } from "../victim";
import type { Pins } from "./actions";
import type { KeptRecord } from "./kept";

export const pinsIn = (kept: KeptRecord, { ref }: Pick<Victim, "ref">): Pins => ({
    role: (role) =>
        kept.change((read) => (read === null || read.roles.includes(role) ? null : { ...read, roles: [...read.roles, role].sort() })),
    revoked: (role, moment) => kept.change((read) => read && withRevoked(read, role, moment)),
    suspensions: {
        pin: (suspended) => kept.change((read) => read && { ...read, suspended: read.suspended ?? suspended }),
        forOthers: async (group) =>
            (await listStanding())
                .filter(({ instance: { accountId }, suspended }) => accountId === ref.accountId && suspended?.group === group)
                .flatMap(({ suspended }) => suspended!.processes),
    },
});
