/** The result in the AWS Security Finding Format, for Security Hub of the forensics account. Pure. */
import type { BatchImportFindingsCommandInput, BatchUpdateFindingsCommandInput } from "@aws-sdk/client-securityhub";
import { severities } from "../severity";
import { clip, visible } from "../visibleText";
import type { ReportInput } from "./assessment";
import type { Reading } from "./reading";

export type SecurityHubFinding = NonNullable<BatchImportFindingsCommandInput["Findings"]>[number];

/** Security Hub's limits, in characters. */
const most = { title: 256, description: 1024, field: 2048, note: 512 } as const;
const text = (value: string, limit: number) => clip(visible(value), limit);
const labels = { critical: "CRITICAL", high: "HIGH", medium: "MEDIUM", low: "LOW", informational: "INFORMATIONAL" } as const;

const asffFindingId = (incidentId: string, partition: string, region: string, accountId: string) => ({
    Id: `clean-room/${incidentId}`,
    ProductArn: `arn:${partition}:securityhub:${region}:${accountId}:product/${accountId}/default`,
});

/** @param accountId of the forensics account, whose own product the finding is of */
export function asffFinding(input: ReportInput, { verdict, facts, impacts, agreement }: Reading, accountId: string): SecurityHubFinding {
    const { incident } = input.custody;
    const { partition } = incident.finding;
    const { region, instanceId } = incident.instance;
    const worst = severities.find((severity) => facts.some((fact) => fact.severity === severity)) ?? "informational";
    return {
        SchemaVersion: "2018-10-08",
        ...asffFindingId(incident.incidentId, partition, region, accountId),
        ProductName: "EC2 Clean Room Forensics",
        GeneratorId: "ec2-clean-room-forensics",
        AwsAccountId: accountId,
        Types: ["Unusual Behaviors/VM"],
        CreatedAt: incident.openedAt,
        UpdatedAt: input.generatedAt,
        Severity: { Label: labels[worst] },
        Title: text(`${verdict.headline}: ${instanceId}`, most.title),
        Description: text(`${verdict.findings} ${agreement.sentence} ${verdict.containment}`, most.description),
        Resources: [
            {
                Type: "AwsEc2Instance",
                Id: `arn:${partition}:ec2:${region}:${incident.instance.accountId}:instance/${instanceId}`,
                Partition: partition as "aws",
                Region: region,
            },
        ],
        ProductFields: {
            "clean-room/incident": incident.incidentId,
            "clean-room/finding": text(incident.finding.id, most.field),
            ...Object.fromEntries(impacts.map(({ kind, certainty }) => [`clean-room/${kind}`, certainty])),
        },
        Workflow: { Status: "NEW" },
        RecordState: "ACTIVE",
    };
}

const guardDutyArn = /^arn:[\w-]+:guardduty:([\w-]+):(\d{12}):detector\/[^/]+\/finding\/[^/]+$/;

/**
 * The note on the findings that the result is about: our own, and GuardDuty's, as Security Hub has them by their ARN. `NOTIFIED`, since people
 * were told and decide; nothing is resolved by a report.
 */
export function findingNote(
    input: ReportInput,
    { verdict, assessment }: Reading,
    accountId: string,
    pageKey: string,
): BatchUpdateFindingsCommandInput {
    const { incident, findings } = input.custody;
    const { partition } = incident.finding;
    const own = asffFindingId(incident.incidentId, partition, incident.instance.region, accountId);
    const ids = new Set([incident.finding.id, ...findings.map(({ id }) => id)]);
    // GuardDuty's ARN is told by GuardDuty alone; an id could be anybody's.
    const theirs = (input.moment?.findings ?? []).flatMap(({ Id, Arn }) => {
        const [, region] = (typeof Arn === "string" && guardDutyArn.exec(Arn)) || [];
        return ids.has(Id) && region !== undefined
            ? [{ Id: Arn as string, ProductArn: `arn:${partition}:securityhub:${region}::product/aws/guardduty` }]
            : [];
    });
    return {
        FindingIdentifiers: [own, ...theirs.slice(0, 99)],
        Note: {
            Text: text(
                `EC2 clean room, incident ${incident.incidentId}: ${verdict.headline}. Planned checks done: ${assessment.complete ? "yes" : "NO"}. Intact: ${assessment.intact ? "yes" : "NO"}. Report: ${pageKey}`,
                most.note,
            ),
            UpdatedBy: "ec2-clean-room-forensics",
        },
        Workflow: { Status: "NOTIFIED" },
    };
}
