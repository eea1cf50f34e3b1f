/** The result in the AWS Security Finding Format, for Security Hub of the forensics account. Pure. */
import type { BatchImportFindingsCommandInput } from "@aws-sdk/client-securityhub";
import { severities } from "../severity";
import { clip, visible } from "../visibleText";
import type { ReportInput } from "./assessment";
import type { Reading } from "./reading";

export type SecurityHubFinding = NonNullable<BatchImportFindingsCommandInput["Findings"]>[number];

/** Security Hub's limits, in characters. */
const most = { title: 256, description: 1024, field: 2048 } as const;
const text = (value: string, limit: number) => clip(visible(value), limit);
const labels = { critical: "CRITICAL", high: "HIGH", medium: "MEDIUM", low: "LOW", informational: "INFORMATIONAL" } as const;

/** @param accountId of the forensics account, whose own product the finding is of */
export function asffFinding(input: ReportInput, { verdict, facts, impacts, agreement }: Reading, accountId: string): SecurityHubFinding {
    const { incident } = input.custody;
    const { partition } = incident.finding;
    const { region, instanceId } = incident.instance;
    const worst = severities.find((severity) => facts.some((fact) => fact.severity === severity)) ?? "informational";
    return {
        SchemaVersion: "2018-10-08",
        Id: `clean-room/${incident.incidentId}`,
        ProductArn: `arn:${partition}:securityhub:${region}:${accountId}:product/${accountId}/default`,
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
