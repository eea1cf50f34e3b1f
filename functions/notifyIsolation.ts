/** Tells people that an instance was isolated, or that it was not: beside the preservation of evidence, never before containment. */
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { needs } from "./aws/environment";
import { step } from "./aws/handler";
import { findingsOf, useIncidents } from "./aws/incidentsTable";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import type { Permissions } from "./aws/permissions";
import { containmentSchema, incidentSchema } from "./domain/containers";
import { isolationMessage } from "./domain/messages/isolation";

/** Given by the deployment. */
export const variables = needs("EVIDENCE_BUCKET", "INCIDENTS_TABLE", ...tellVariables);

export const permissions: Permissions = (names) => [
    ...tellPermissions(names),
    ...useIncidents("GetItem")(names),
    ...appendCustodyPermissions(names),
];

/** @throws Transient when a channel may take the message in a moment; StepFailed when none will. */
export const handler = step({
    name: "NotifyIsolation",
    input: z.object({ incident: incidentSchema, containment: containmentSchema.nullable() }),
    output: z.object({ told: z.array(z.string()) }),
    run: async ({ incident, containment }) => ({
        told: await tell(isolationMessage(incident, containment, await findingsOf(incident.incidentId))),
    }),
});
