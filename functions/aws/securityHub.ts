/** Brings the result to Security Hub of the forensics account, where `notifications.securityHub` is on, and notes it on the findings that it is about. */
import { setTimeout } from "node:timers/promises";
import {
    BatchImportFindingsCommand,
    BatchUpdateFindingsCommand,
    SecurityHubClient,
    type BatchUpdateFindingsCommandInput,
} from "@aws-sdk/client-securityhub";
import type { SecurityHubFinding } from "../domain/report/asff";
import { forensicsClient } from "./clients";
import { log } from "./handler";
import type { Permissions } from "./permissions";

export const securityHubPermissions: Permissions = ({ partition, region, forensicsAccountId }) => [
    {
        Sid: "ImportFinding",
        Effect: "Allow",
        Action: ["securityhub:BatchImportFindings"],
        Resource: [`arn:${partition}:securityhub:${region}:${forensicsAccountId}:product/${forensicsAccountId}/default`],
    },
    {
        Sid: "NoteOnFindings",
        Effect: "Allow",
        Action: ["securityhub:BatchUpdateFindings"],
        Resource: [`arn:${partition}:securityhub:${region}:${forensicsAccountId}:hub/default`],
    },
];

/** The report stands and people are told whatever Security Hub answers. @returns whether it took the finding */
export async function importFinding(finding: SecurityHubFinding): Promise<boolean> {
    try {
        const { FailedFindings = [] } = await forensicsClient(SecurityHubClient).send(
            new BatchImportFindingsCommand({ Findings: [finding] }),
        );
        for (const { ErrorCode, ErrorMessage } of FailedFindings) log("Security Hub refused the finding", { ErrorCode, ErrorMessage });
        return FailedFindings.length === 0;
    } catch (error) {
        log("the finding was not brought to Security Hub", { error: String(error) });
        return false;
    }
}

/** Milliseconds after which a finding that Security Hub does not know yet is asked for again: it takes in what was imported in its own time. */
const pauses = [2_000, 5_000];

/**
 * Notes the result on findings and sets their workflow status, so that who works in Security Hub sees it there. What it does not know stays without:
 * a member's finding is known here only where this account administers Security Hub.
 *
 * @returns ids of the findings that were noted
 */
export async function noteOnFindings({ FindingIdentifiers = [], ...update }: BatchUpdateFindingsCommandInput): Promise<string[]> {
    const noted: string[] = [];
    try {
        let open = FindingIdentifiers;
        for (let attempt = 0; open.length > 0; attempt++) {
            const { ProcessedFindings = [], UnprocessedFindings = [] } = await forensicsClient(SecurityHubClient).send(
                new BatchUpdateFindingsCommand({ ...update, FindingIdentifiers: open }),
            );
            noted.push(...ProcessedFindings.flatMap(({ Id }) => Id ?? []));
            const again = UnprocessedFindings.filter(({ ErrorCode }) =>
                /^(FindingNotFound|ConcurrentUpdateError|InternalFailure)$/.test(ErrorCode ?? ""),
            );
            open = open.filter(({ Id }) => again.some(({ FindingIdentifier }) => FindingIdentifier?.Id === Id));
            for (const { ErrorCode, FindingIdentifier } of UnprocessedFindings)
                log("Security Hub did not note the result on a finding", { ErrorCode, id: FindingIdentifier?.Id });
            if (attempt >= pauses.length) break;
            if (open.length > 0) await setTimeout(pauses[attempt]);
        }
    } catch (error) {
        log("the result was not noted in Security Hub", { error: String(error) });
    }
    return noted;
}
