/** Brings the result to Security Hub of the forensics account, where `notifications.securityHub` is on. */
import { BatchImportFindingsCommand, SecurityHubClient } from "@aws-sdk/client-securityhub";
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
