/** Denies an instance's credentials again where its network was given back and the deny was taken away: nothing else is touched. */
import type { Instance } from "@aws-sdk/client-ec2";
import type { ContainmentStep } from "../../domain/containers";
import { describeAction, planCredentials, type ContainmentAction, type CredentialsMode } from "../../domain/planContainment";
import type { StandingContainment } from "../../domain/standingContainment";
import { changeStanding } from "../standingContainments";
import type { Victim } from "../victim";
import { perform, type Pins } from "./actions";
import { revocationsAgain } from "./contain";
import { attempt } from "./performed";

/** Never throws: a step that failed says so. @param others roles whose credentials it may hold besides, by their names */
export async function denyAgain(
    victim: Victim,
    instance: Instance,
    standing: StandingContainment,
    mode: CredentialsMode,
    others: readonly string[] = [],
): Promise<ContainmentStep[]> {
    const pins: Pins = {
        role: async (role) => {
            await changeStanding(victim.ref, standing, (read) =>
                read === null || read.roles.includes(role) ? null : { ...read, roles: [...read.roles, role].sort() },
            );
        },
        // What was revoked is revoked again, as it is on record.
        revoked: () => Promise.resolve(),
        suspensions: { pin: () => Promise.resolve(), forOthers: () => Promise.resolve([]) },
    };
    const state = {
        instanceProfileArn: instance.IamInstanceProfile?.Arn ?? null,
        metadataEndpoint: instance.MetadataOptions?.HttpEndpoint === "disabled" ? ("disabled" as const) : ("enabled" as const),
    };
    const actions: ContainmentAction[] = [
        ...planCredentials(state, mode),
        ...revocationsAgain(standing, mode),
        ...standing.roles.map((role) => ({ kind: "denyRole", role, because: "which denied them before" }) as const),
        ...others
            .filter((role) => !standing.roles.includes(role))
            .map((role) => ({ kind: "denyRole", role, because: "whose credentials CloudTrail saw with the instance" }) as const),
    ];
    return (await Promise.all(actions.map((action) => attempt(describeAction(action), () => perform(action, victim, pins))))).map(
        ({ step }) => step,
    );
}
