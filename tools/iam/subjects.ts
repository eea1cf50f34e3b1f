/** Every function of the program with what it may do and what its code reaches, with all options on. */
import { deployedNames, responderRoleName } from "../../infra/names";
import { steps, type Step } from "../../infra/steps";
import { actionsOf } from "./actions";
import type { Subject } from "./judge";
import { reachedBy } from "./reach";

const names = deployedNames({
    partition: "aws",
    region: "eu-west-1",
    forensicsAccountId: "111111111111",
    memberAccountIds: ["222222222222"],
    evidenceKeyArn: "arn:aws:kms:eu-west-1:111111111111:key/evidence",
    custodyKeyArn: "arn:aws:kms:eu-west-1:111111111111:key/custody",
    imageParameter: "/golden/forensic-image",
    organizationId: "o-a1b2c3d4e5",
    slack: true,
    chat: true,
    results: true,
    memory: true,
    webhookParameter: "/clean-room/webhook",
});

/** One role: a function's own, or the responder role, which all functions that act in members share. */
export function subjects(): Subject[] {
    const functions = Object.entries<Step>(steps).map(([name, step]) => ({
        name,
        step,
        needed: new Set(reachedBy(name).flatMap(actionsOf)),
    }));
    const responding = functions.filter(({ step }) => step.memberPermissions);
    const responder = responding.flatMap(({ step }) => step.memberPermissions!(names));
    return [
        ...functions.map(({ name, step, needed }) => ({
            role: name,
            statements: step.permissions(names),
            elsewhere: step.memberPermissions ? responder : [],
            needed,
        })),
        {
            role: responderRoleName,
            statements: responder,
            elsewhere: responding.flatMap(({ step }) => step.permissions(names)),
            needed: new Set(responding.flatMap(({ needed }) => [...needed])),
        },
    ];
}
